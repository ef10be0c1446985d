#include "catalog/session_record.hpp"

namespace tessera::catalog {

using Json = nlohmann::ordered_json;

Json to_json(const CatalogSession& session) {
    Json out{{"record", "session"}, {"time", session.time}, {"n_rank", session.n_rank}, {"host", session.host}};
    if (session.measures) {
        const RunMeasures& m = *session.measures;
        Json phases = Json::object();
        for (const auto& [phase, seconds] : m.phases) { phases[phase] = seconds; }
        out["measures"] = {{"n_cube", m.n_cube},
                           {"seconds", m.seconds},
                           {"idle", m.idle},
                           {"star_bytes", m.star_bytes},
                           {"gas_bytes", m.gas_bytes},
                           {"selected_star_bytes", m.selected_star_bytes},
                           {"read_seconds", m.read_seconds},
                           {"most_files", m.most_files},
                           {"most_openings", m.most_openings},
                           {"n_counter", m.n_counter},
                           {"counter_seconds", m.counter_seconds},
                           {"phases", phases}};
    }
    return out;
}

CatalogSession session_from(const Json& json) {
    CatalogSession out{.time = json.at("time"), .n_rank = json.at("n_rank"), .host = json.at("host")};
    if (!json.contains("measures")) { return out; }
    const Json& from = json.at("measures");
    RunMeasures& m = out.measures.emplace();
    m.n_cube = from.at("n_cube");
    m.seconds = from.at("seconds");
    m.idle = from.at("idle");
    m.star_bytes = from.at("star_bytes");
    m.gas_bytes = from.at("gas_bytes");
    m.selected_star_bytes = from.at("selected_star_bytes");
    m.read_seconds = from.at("read_seconds");
    m.most_files = from.at("most_files");
    m.most_openings = from.at("most_openings");
    m.n_counter = from.at("n_counter");
    m.counter_seconds = from.at("counter_seconds");
    for (const auto& [phase, seconds] : from.at("phases").items()) { m.phases.emplace_back(phase, seconds); }
    return out;
}

} // namespace tessera::catalog
