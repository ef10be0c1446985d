#pragma once

namespace tessera::test {

/// Whether the address sanitizer, which has memory of its own, is in this program.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_sanitizers = true;
#else
inline constexpr bool with_sanitizers = false;
#endif

} // namespace tessera::test
