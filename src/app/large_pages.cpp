// Large arrays of the program lie on large pages where the system has them: the first touch of 2 MiB then costs one page fault
// and not 512, which is a quarter of the time of reading particles. The library's own users keep their allocator.
#include <cstddef>
#include <cstdlib>
#include <new>

#include <sys/mman.h>

#if !defined(                                                                                                          \
    __SANITIZE_ADDRESS__) // which has an allocator of its own, and compares where memory came from with where it goes

namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;
constexpr std::size_t large_array = 2 * large_page;

void* allocate(std::size_t n) {
    if (n < large_array) { return std::malloc(n == 0 ? 1 : n); }
    void* array = nullptr;
    if (::posix_memalign(&array, large_page, n) != 0) { return nullptr; }
    // Whole pages only: the rest of an array must not take 2 MiB. A system without large pages says no, and nothing is lost.
    ::madvise(array, n / large_page * large_page, MADV_HUGEPAGE);
    return array;
}

} // namespace

void* operator new(std::size_t n) {
    for (void* array = allocate(n);; array = allocate(n)) {
        if (array != nullptr) { return array; }
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) { throw std::bad_alloc(); }
        handler();
    }
}

void operator delete(void* array) noexcept { std::free(array); }
void operator delete(void* array, std::size_t /*n*/) noexcept { std::free(array); }

#endif
