#pragma once

// Which sanitizer the code is built for, where it must know: GCC says it by a
// macro, Clang by a feature.

#if defined(__SANITIZE_THREAD__)
#  define TROUPE_THREAD_SANITIZER 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#  define TROUPE_ADDRESS_SANITIZER 1
#endif
#if defined(__has_feature)
#  if __has_feature(thread_sanitizer)
#    define TROUPE_THREAD_SANITIZER 1
#  endif
#  if __has_feature(address_sanitizer)
#    define TROUPE_ADDRESS_SANITIZER 1
#  endif
#endif
