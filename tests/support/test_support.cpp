#include "tests/support/test_support.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace fs = std::filesystem;

namespace tessera::test {

fs::path source_dir() { return TESSERA_SOURCE_DIR; }

fs::path program() { return TESSERA_PROGRAM; }

std::optional<fs::path> shared(const std::string& relative) {
    const char* set = std::getenv("TESSERA_SHARED_DIR");
    const fs::path root = set != nullptr && *set != '\0' ? fs::path(set) : source_dir().parent_path() / "shared";
    const fs::path file = root / relative;
    std::error_code ignored;
    if (fs::exists(file, ignored)) { return file; }
    return std::nullopt;
}

std::string absent(const std::string& relative) {
    return fmt::format("shared/{} is not here (set TESSERA_SHARED_DIR): nothing to compare with", relative);
}

namespace {
std::vector<fs::path>& scratch_folders() {
    static std::vector<fs::path> folders;
    return folders;
}
struct RemoveAtExit {
    RemoveAtExit() { scratch_folders(); } // made first, hence destroyed last
    ~RemoveAtExit() {
        for (const fs::path& folder : scratch_folders()) {
            std::error_code ignored;
            fs::remove_all(folder, ignored);
        }
    }
};
} // namespace

fs::path scratch(const std::string& name) {
    static const RemoveAtExit remover;
    std::string text;
    if (world().is_root()) {
        text = (fs::temp_directory_path() / fmt::format("tessera-test-{}-{}", getpid(), name)).string();
        fs::remove_all(text);
        fs::create_directories(text);
        scratch_folders().emplace_back(text);
    }
    world().broadcast(text, 0);
    return text;
}

namespace {
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) { out += c == '\'' ? std::string("'\\''") : std::string(1, c); }
    return out + "'";
}
std::string slurp(const fs::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}
} // namespace

ProgramResult run_tessera(const std::vector<std::string>& arguments, int n_rank, const fs::path& folder) {
    static int call = 0;
    const fs::path base = fs::temp_directory_path() / fmt::format("tessera-run-{}-{}", getpid(), call++);
    std::string command;
    if (!folder.empty()) { command += "cd " + quoted(folder.string()) + " && "; }
    // Where the test itself was launched, its environment would make the child think it belongs to this job.
    command += "env -u PMIX_RANK -u PMIX_NAMESPACE -u OMPI_COMM_WORLD_SIZE -u OMPI_COMM_WORLD_RANK ";
    command += "sh -c 'for v in $(env | sed -n "
               "\"s/^\\(PMIX_[A-Za-z0-9_]*\\|OMPI_COMM_[A-Za-z0-9_]*\\|OMPI_MCA_orte_[A-Za-z0-9_]*\\|"
               "OMPI_MCA_ess[A-Za-z0-9_]*\\|OMPI_MCA_pmix[A-Za-z0-9_]*\\)=.*/\\1/p\"); do unset \"$v\"; done; exec "
               "\"$@\"' sh ";
    if (n_rank > 0) { command += fmt::format("mpirun -n {} ", n_rank); }
    command += quoted(TESSERA_PROGRAM);
    for (const std::string& argument : arguments) { command += " " + quoted(argument); }
    command += fmt::format(" >{} 2>{} </dev/null", quoted(base.string() + ".out"), quoted(base.string() + ".err"));
    const int status = std::system(command.c_str());
    ProgramResult result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(base.string() + ".out"),
                         slurp(base.string() + ".err")};
    fs::remove(base.string() + ".out");
    fs::remove(base.string() + ".err");
    return result;
}

} // namespace tessera::test
