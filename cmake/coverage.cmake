# TROUPE_COVERAGE=ON: every program writes which lines and branches ran when it ends
# (tests/coverage.py reads that). Threads count at once, so the counters are atomic.
if(TROUPE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
