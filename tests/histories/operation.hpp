#pragma once

// What a history consists of. The checker knows an operation by what it needs of
// its key's state and by what it makes of that, not by the call that it was.

#include <cstdint>
#include <limits>
#include <string>

namespace histories {

/// A value by its number, unique within a history; 0 stands for "absent".
using value_id = std::uint64_t;

inline constexpr value_id absent = 0;

/// Numbers of written values are multiples of this, so that `increment` can add
/// to them without reaching another.
inline constexpr value_id value_stride = 1024;

/// Points of two clocks, in nanoseconds: the machine's (which gives intervals) and
/// the manual one by which entries expire.
using nanoseconds = std::int64_t;

inline constexpr nanoseconds no_deadline
  = std::numeric_limits<nanoseconds>::max();

/// Tags, one bit each. At most `tag_count` names are told apart.
using tag_mask = std::uint16_t;

inline constexpr unsigned tag_count = 16;

/// What an operation's result says about the state that it found.
enum class needs : std::uint8_t {
  nothing,       ///< Any state.
  miss,          ///< The key was absent.
  hit,           ///< The key was present, with whatever value.
  source,        ///< The key had the value `source`; `absent`: it was absent.
  loading,       ///< The key had the value `source`, or a load of it ran.
  other_version, ///< It was not at the version that `source` was read with.
  remaining,     ///< It was present and had `remaining` ms left.
  stale, ///< The key had the value `source` once, and no removal of it had ended.
};

/// What an operation makes of the state.
enum class makes : std::uint8_t {
  nothing,
  store,      ///< The value `result`.
  erase,      ///< Absent, and voids loads in flight.
  touch,      ///< Another deadline.
  invalidate, ///< Absent if it has one of `tags`; voids loads with them.
  load_begin, ///< A load of `result` holds the key's lease. The checker's own.
  load_end,   ///< It is stored if its lease still holds. The checker's own.
};

/// How `store` and `touch` choose the deadline.
enum class deadline_rule : std::uint8_t {
  fresh, ///< `ttl` from the moment of the operation.
  keep,  ///< That of the entry that is replaced; `fresh` if there is none.
  exact, ///< `ttl` is the deadline itself.
};

/// Whether the value of a load was stored, as far as its callers were told.
enum class load_fate : std::uint8_t { unknown, stored, fenced };

/// One operation on one key, with the interval in which it took effect.
struct operation {
  const char* call = ""; ///< As the reader of a report knows it.
  needs need = needs::nothing;
  makes make = makes::nothing;
  deadline_rule rule = deadline_rule::fresh;
  bool keep_tags = false; ///< Of the entry that is replaced, if there is one.
  bool nothing = false;   ///< Of a load: it found that there is no value.
  load_fate fate = load_fate::unknown;
  std::uint8_t thread = 0;
  tag_mask tags = 0;
  value_id source = absent;
  value_id result = absent;
  nanoseconds ttl = no_deadline;
  std::int64_t remaining = 0; ///< ms; -1: does not expire.
  nanoseconds start = 0;
  nanoseconds end = 0;
  nanoseconds clock_start = 0;
  nanoseconds clock_end = 0;
  /// The number of the change of the database that this invalidation tells of;
  /// 0: it is no invalidation.
  std::uint64_t database = 0;
};

/// One run of a loader that brought a value.
struct load_run {
  value_id value = absent; ///< Also of a run that found no value.
  bool nothing = false;    ///< It found no value.
  std::uint8_t thread = 0; ///< Of the caller who brought the loader.
  tag_mask tags = 0;
  nanoseconds ttl = no_deadline;
  nanoseconds asked = 0; ///< Start of the call that brought the loader.
  nanoseconds clock_asked = 0;
  nanoseconds began = 0; ///< The loader's first and last moment.
  nanoseconds clock_began = 0;
  nanoseconds returned = 0;
  nanoseconds clock_returned = 0;
  /// When its commit had returned; 0: there was none, or it is not known.
  nanoseconds ended = 0;
  nanoseconds clock_ended = 0;
  /// The last change of the database that the loader saw.
  std::uint64_t database = 0;
};

/// "v7" or "v7+2" for a number that `increment` made; "nothing".
std::string text_of(value_id x);

/// One line. Moments count from `origin`.
std::string text_of(const operation& x, nanoseconds origin);

} // namespace histories
