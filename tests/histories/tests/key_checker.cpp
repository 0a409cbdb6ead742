// The checker itself: a valid and an invalid history of every rule.

#include "histories/key_checker.hpp"

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace histories;

namespace {

constexpr nanoseconds ms = 1'000'000;

value_id v(unsigned number) {
  return number * value_stride;
}

/// A history of one key, written down by hand. Moments are small numbers; the clock
/// of the deadlines stands at 0 unless told otherwise.
class history {
public:
  operation& add(const char* call, nanoseconds start, nanoseconds end) {
    operation x;
    x.call = call;
    x.start = start;
    x.end = end;
    window_.push_back(x);
    return window_.back();
  }

  operation& write(value_id x, nanoseconds start, nanoseconds end,
                   nanoseconds ttl = no_deadline, tag_mask tags = 0) {
    auto& op = add("set", start, end);
    op.make = makes::store;
    op.result = x;
    op.ttl = ttl;
    op.tags = tags;
    return op;
  }

  operation& read(value_id x, nanoseconds start, nanoseconds end) {
    auto& op = add("get", start, end);
    op.need = needs::source;
    op.source = x;
    return op;
  }

  operation& update(value_id from, value_id to, nanoseconds start,
                    nanoseconds end, tag_mask tags = 0) {
    auto& op = write(to, start, end, no_deadline, tags);
    op.call = "update";
    op.need = needs::source;
    op.source = from;
    return op;
  }

  operation& found(const char* call, needs what, nanoseconds start,
                   nanoseconds end) {
    auto& op = add(call, start, end);
    op.need = what;
    return op;
  }

  operation& erase(nanoseconds start, nanoseconds end,
                   std::uint64_t database = 0) {
    auto& op = add("erase", start, end);
    op.make = makes::erase;
    op.database = database;
    return op;
  }

  operation& invalidate(tag_mask tags, nanoseconds start, nanoseconds end,
                        std::uint64_t database = 0) {
    auto& op = add("invalidate_tag", start, end);
    op.make = makes::invalidate;
    op.tags = tags;
    op.database = database;
    return op;
  }

  operation& get_or_set(value_id x, nanoseconds start, nanoseconds end) {
    auto& op = add("get_or_set", start, end);
    op.need = needs::loading;
    op.source = x;
    return op;
  }

  load_run& load(value_id x, nanoseconds asked, nanoseconds began,
                 nanoseconds returned, tag_mask tags = 0,
                 std::uint64_t database = 0) {
    load_run run;
    run.value = x;
    run.asked = asked;
    run.began = began;
    run.returned = returned;
    run.tags = tags;
    run.database = database;
    loads_.push_back(run);
    return loads_.back();
  }

  /// Judges what was added since the last call as one window.
  std::optional<violation> check() {
    return checker_.check(std::exchange(window_, {}),
                          std::exchange(loads_, {}));
  }

  /// The same; the rule that is broken, or "".
  std::string rule() {
    auto found = check();
    return found ? found->rule : std::string{};
  }

  operation& answered_stale(value_id x, nanoseconds start, nanoseconds end) {
    auto& op = add("get_or_load", start, end);
    op.need = needs::stale;
    op.source = x;
    return op;
  }

  explicit history(bool evictable = false, bool refreshes = false)
    : checker_(evictable, refreshes) {
    // nop
  }

private:
  key_checker checker_;
  std::vector<operation> window_;
  std::vector<load_run> loads_;
};

operation& at_clock(operation& x, nanoseconds from, nanoseconds to) {
  x.clock_start = from;
  x.clock_end = to;
  return x;
}

bool says(const std::string& rule, const std::string& text) {
  INFO(rule);
  auto result = rule.find(text) != std::string::npos;
  CHECK(result);
  return result;
}

} // namespace

TEST_CASE("a history without operations is valid", "[histories]") {
  history x;
  CHECK(x.rule().empty());
}

TEST_CASE("a read sees the last write", "[histories]") {
  history x;
  x.read(absent, 0, 1);
  x.write(v(1), 2, 3);
  x.read(v(1), 4, 5);
  x.write(v(2), 6, 7);
  x.read(v(2), 8, 9);
  CHECK(x.rule().empty());
}

TEST_CASE("a read of an overwritten value is a violation", "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.write(v(2), 2, 3);
  x.read(v(1), 4, 5);
  says(x.rule(), "found v1, which 'set' of thread 0 had removed");
}

TEST_CASE("a read that overlaps a write may see either value", "[histories]") {
  for (auto seen : {v(1), v(2)}) {
    history x;
    x.write(v(1), 0, 1);
    x.write(v(2), 2, 10);
    x.read(seen, 3, 4);
    x.read(v(2), 11, 12);
    CHECK(x.rule().empty());
  }
}

TEST_CASE("reads do not go back in time during one write", "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.write(v(2), 2, 10);
  x.read(v(2), 3, 4);
  x.read(v(1), 5, 6);
  says(x.rule(), "not linearizable");
}

TEST_CASE("a value that nobody wrote is a violation", "[histories]") {
  history x;
  x.read(v(7), 0, 1);
  says(x.rule(), "nobody wrote");
}

TEST_CASE("a value cannot be seen before it is written", "[histories]") {
  history x;
  x.read(v(1), 0, 1);
  x.write(v(1), 2, 3);
  says(x.rule(), "before that was written");
}

TEST_CASE("a value cannot vanish without a limit", "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.read(absent, 2, 3);
  says(x.rule(), "found the key absent");
}

TEST_CASE("under a limit a value may vanish, but not come back",
          "[histories]") {
  history gone{true};
  gone.write(v(1), 0, 1);
  gone.read(v(1), 2, 3);
  gone.read(absent, 4, 5);
  CHECK(gone.rule().empty());
  history back{true};
  back.write(v(1), 0, 1);
  back.read(absent, 2, 3);
  back.read(v(1), 4, 5);
  says(back.rule(), "after the key had been found absent");
}

TEST_CASE("what is removed stays removed", "[histories]") {
  SECTION("by erase") {
    history x;
    x.write(v(1), 0, 1);
    x.erase(2, 3);
    x.read(absent, 4, 5);
    CHECK(x.rule().empty());
    x.read(v(1), 6, 7);
    says(x.rule(), "v1");
  }
  SECTION("by its tag") {
    history x;
    x.write(v(1), 0, 1, no_deadline, 0b10);
    x.invalidate(0b10, 2, 3);
    x.read(v(1), 4, 5);
    says(x.rule(), "which 'invalidate_tag' of thread 0 had removed");
  }
}

TEST_CASE("a tag that an entry does not have leaves it alone", "[histories]") {
  history kept;
  kept.write(v(1), 0, 1, no_deadline, 0b10);
  kept.invalidate(0b01, 2, 3);
  kept.read(v(1), 4, 5);
  CHECK(kept.rule().empty());
  history gone;
  gone.write(v(1), 0, 1, no_deadline, 0b10);
  gone.invalidate(0b01, 2, 3);
  gone.read(absent, 4, 5);
  says(gone.rule(), "found the key absent");
}

TEST_CASE("a write that overlaps an invalidation may come after it",
          "[histories]") {
  history x;
  x.invalidate(0b1, 0, 10);
  x.write(v(1), 2, 3, no_deadline, 0b1);
  x.read(v(1), 11, 12);
  CHECK(x.rule().empty());
}

TEST_CASE("what erase answers is judged", "[histories]") {
  for (auto answer : {needs::hit, needs::miss}) {
    history x;
    x.write(v(1), 0, 1);
    x.erase(2, 3).need = answer;
    CHECK(x.rule().empty() == (answer == needs::hit));
  }
}

// -- what derives a value from another -------------------------------------------------

TEST_CASE("an update follows the value that it was derived from",
          "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.update(v(1), v(2), 2, 9);
  x.update(v(2), v(3), 3, 8);
  x.read(v(3), 10, 11);
  CHECK(x.rule().empty());
}

TEST_CASE("two updates of one value lose one of them", "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.update(v(1), v(2), 2, 9);
  x.update(v(1), v(3), 3, 8);
  says(x.rule(), "not linearizable");
}

TEST_CASE("an update does not survive an invalidation of its source",
          "[histories]") {
  history before;
  before.write(v(1), 0, 1, no_deadline, 0b1);
  before.update(v(1), v(2), 2, 9, 0b1);
  before.invalidate(0b1, 4, 5);
  before.read(absent, 10, 11);
  CHECK(before.rule().empty());
  history survives;
  survives.write(v(1), 0, 1, no_deadline, 0b1);
  survives.update(v(1), v(2), 2, 9, 0b1);
  survives.invalidate(0b1, 4, 5);
  survives.read(v(2), 10, 11);
  says(survives.rule(), "not linearizable");
}

TEST_CASE("an update with other tags does not follow an observed miss",
          "[histories]") {
  history before;
  before.write(v(1), 0, 1, no_deadline, 0b1);
  before.update(v(1), v(2), 2, 9, 0b10);
  before.invalidate(0b1, 4, 5);
  before.read(v(2), 10, 11); // It was before the invalidation: not its tag.
  CHECK(before.rule().empty());
  history after;
  after.write(v(1), 0, 1, no_deadline, 0b1);
  after.update(v(1), v(2), 2, 9, 0b10);
  after.invalidate(0b1, 4, 5);
  after.read(absent, 6, 7);
  after.read(v(2), 10, 11);
  says(after.rule(), "not linearizable");
}

TEST_CASE("an update that is overtaken counts as just before the write",
          "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.update(v(1), v(2), 2, 9);
  x.write(v(3), 4, 5);
  x.read(v(3), 6, 7);
  x.read(v(3), 10, 11);
  CHECK(x.rule().empty());
}

TEST_CASE("an update under lease that expiry overtook does not come back",
          "[histories]") {
  history x;
  x.write(v(1), 0, 1, 5 * ms);
  at_clock(x.update(v(1), v(2), 2, 9), 4 * ms, 6 * ms);
  at_clock(x.read(absent, 5, 6), 6 * ms, 6 * ms);
  at_clock(x.read(v(2), 10, 11), 6 * ms, 6 * ms);
  says(x.rule(), "not linearizable");
}

TEST_CASE("compare_and_set fails at another version only", "[histories]") {
  history right;
  right.write(v(1), 0, 1);
  right.write(v(2), 2, 3);
  right.found("compare_and_set", needs::other_version, 4, 5).source = v(1);
  CHECK(right.rule().empty());
  history wrong;
  wrong.write(v(1), 0, 1);
  wrong.found("compare_and_set", needs::other_version, 4, 5).source = v(1);
  says(wrong.rule(), "not linearizable");
  history touched;
  touched.write(v(1), 0, 1);
  touched.found("touch", needs::hit, 2, 3).make = makes::touch;
  touched.found("compare_and_set", needs::other_version, 4, 5).source = v(1);
  CHECK(touched.rule().empty());
}

TEST_CASE("a condition is judged by what it found", "[histories]") {
  for (auto answer : {needs::hit, needs::miss}) {
    history x;
    x.write(v(1), 0, 1);
    x.found("set(NX)", answer, 2, 3);
    CHECK(x.rule().empty() == (answer == needs::hit));
  }
}

TEST_CASE("increments lose nothing", "[histories]") {
  history right;
  right.update(absent, 1, 0, 5);
  right.update(1, 3, 1, 6);
  right.read(3, 7, 8);
  CHECK(right.rule().empty());
  history lost;
  lost.update(absent, 1, 0, 5);
  lost.update(absent, 2, 1, 6);
  says(lost.rule(), "not linearizable");
}

// -- expiry ----------------------------------------------------------------------------

TEST_CASE("an entry expires at its deadline, not earlier and not later",
          "[histories]") {
  struct trial {
    nanoseconds clock;
    value_id seen;
    bool valid;
  };
  for (auto& t : {trial{4 * ms, v(1), true}, trial{4 * ms, absent, false},
                  trial{5 * ms, v(1), false}, trial{5 * ms, absent, true}}) {
    history x;
    x.write(v(1), 0, 1, 5 * ms);
    at_clock(x.read(t.seen, 2, 3), t.clock, t.clock);
    CHECK(x.rule().empty() == t.valid);
  }
}

TEST_CASE("a deadline is as uncertain as the clock during its write",
          "[histories]") {
  for (auto seen : {v(1), absent}) {
    history x;
    at_clock(x.write(v(1), 0, 1, 5 * ms), 0, 2 * ms);
    at_clock(x.read(seen, 2, 3), 6 * ms, 6 * ms);
    CHECK(x.rule().empty());
  }
  history late;
  at_clock(late.write(v(1), 0, 1, 5 * ms), 0, 2 * ms);
  at_clock(late.read(v(1), 2, 3), 7 * ms, 7 * ms);
  says(late.rule(), "after its TTL");
}

TEST_CASE("a touch moves the deadline", "[histories]") {
  for (auto seen : {v(1), absent}) {
    history x;
    x.write(v(1), 0, 1, 5 * ms);
    auto& touch = x.found("touch", needs::hit, 2, 3);
    touch.make = makes::touch;
    touch.ttl = 20 * ms;
    at_clock(touch, 4 * ms, 4 * ms);
    at_clock(x.read(seen, 4, 5), 10 * ms, 10 * ms);
    CHECK(x.rule().empty() == (seen == v(1)));
  }
}

TEST_CASE("a write that keeps the deadline does not prolong it",
          "[histories]") {
  for (auto seen : {v(2), absent}) {
    history x;
    x.write(v(1), 0, 1, 5 * ms, 0b1);
    auto& kept = x.write(v(2), 2, 3);
    kept.rule = deadline_rule::keep;
    kept.keep_tags = true;
    at_clock(x.read(seen, 4, 5), 6 * ms, 6 * ms);
    CHECK(x.rule().empty() == (seen == absent));
  }
  // It keeps the tags, too.
  history x;
  x.write(v(1), 0, 1, 5 * ms, 0b1);
  auto& kept = x.write(v(2), 2, 3);
  kept.rule = deadline_rule::keep;
  kept.keep_tags = true;
  x.invalidate(0b1, 4, 5);
  x.read(v(2), 6, 7);
  says(x.rule(), "not linearizable");
}

TEST_CASE("the time left is the deadline's, rounded up", "[histories]") {
  for (auto left : {4, 5, 6, -1}) {
    history x;
    x.write(v(1), 0, 1, 7 * ms);
    at_clock(x.found("ttl", needs::remaining, 2, 3), 2 * ms + 1, 2 * ms + 1)
      .remaining
      = left;
    CHECK(x.rule().empty() == (left == 5));
  }
  history for_good;
  for_good.write(v(1), 0, 1);
  for_good.found("ttl", needs::remaining, 2, 3).remaining = -1;
  CHECK(for_good.rule().empty());
}

// -- loads -----------------------------------------------------------------------------

TEST_CASE("a load is stored and then seen", "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 5);
  x.get_or_set(v(1), 3, 11); // It joined.
  x.read(v(1), 12, 13);
  CHECK(x.rule().empty());
}

TEST_CASE("a load that was invalidated is not stored", "[histories]") {
  history not_stored;
  not_stored.get_or_set(v(1), 0, 10);
  not_stored.load(v(1), 0, 2, 8, 0b1);
  not_stored.invalidate(0b1, 4, 5);
  not_stored.read(absent, 12, 13);
  CHECK(not_stored.rule().empty());
  for (auto by_tag : {true, false}) {
    history stored;
    stored.get_or_set(v(1), 0, 10);
    stored.load(v(1), 0, 2, 8, 0b1);
    if (by_tag)
      stored.invalidate(0b1, 4, 5);
    else
      stored.erase(4, 5);
    stored.read(v(1), 12, 13);
    says(stored.rule(), "had removed before it began");
  }
}

TEST_CASE("an invalidation of another tag does not concern a load",
          "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 8, 0b1);
  x.invalidate(0b10, 4, 5);
  x.read(v(1), 12, 13);
  CHECK(x.rule().empty());
}

TEST_CASE("a caller after an invalidation does not join an older load",
          "[histories]") {
  history before;
  before.get_or_set(v(1), 0, 10);
  before.load(v(1), 0, 2, 8, 0b1);
  before.get_or_set(v(1), 3, 11);
  before.invalidate(0b1, 4, 5);
  CHECK(before.rule().empty());
  history after;
  after.get_or_set(v(1), 0, 10);
  after.load(v(1), 0, 2, 8, 0b1);
  after.invalidate(0b1, 4, 5);
  after.get_or_set(v(1), 6, 11);
  says(after.rule(), "had removed before it began");
}

TEST_CASE("a loaded value is not seen before its loader returned",
          "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 8);
  x.read(v(1), 5, 6);
  says(x.rule(), "not linearizable");
}

TEST_CASE("a load does not overwrite what was written meanwhile",
          "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 8);
  x.write(v(2), 4, 5);
  x.read(v(1), 12, 13);
  says(x.rule(), "not linearizable");
}

TEST_CASE("a value loaded before a change is not seen after its invalidation",
          "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 8, 0b1, 0); // It saw no change of the database.
  x.invalidate(0b1, 4, 5, 1);
  CHECK(x.rule().empty());
  x.read(v(1), 12, 13);
  says(x.rule(), "v1");
  history seen;
  seen.get_or_set(v(1), 0, 10);
  seen.load(v(1), 0, 2, 8, 0b1, 0);
  seen.invalidate(0b1, 4, 5, 1);
  seen.read(v(1), 12, 13);
  says(seen.rule(), "stale: v1 was loaded before change 1");
}

TEST_CASE("a value loaded after the change may be seen", "[histories]") {
  history x;
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 5, 8, 0b1, 1);
  x.invalidate(0b1, 4, 6, 1);
  x.read(v(1), 12, 13);
  // The invalidation may have come before the lease, or after what was stored.
  CHECK(x.rule().empty());
}

// -- stale values and refreshes ----------------------------------------------------------

TEST_CASE("a stale answer may be a value that has expired", "[histories]") {
  history x{false, true};
  x.write(v(1), 0, 1, 5 * ms);
  at_clock(x.read(absent, 2, 3), 6 * ms, 6 * ms);
  at_clock(x.answered_stale(v(1), 4, 5), 6 * ms, 6 * ms);
  CHECK(x.rule().empty());
  at_clock(x.answered_stale(v(1), 6, 7), 7 * ms, 7 * ms);
  CHECK(x.rule().empty());
}

TEST_CASE("a stale answer is older than no removal that had ended",
          "[histories]") {
  const auto judge = [](auto remove) {
    history x{false, true};
    x.write(v(1), 0, 1, 5 * ms, 0b1);
    remove(x);
    x.answered_stale(v(1), 10, 11);
    return x.rule();
  };
  says(judge([](history& x) { x.erase(2, 3); }),
       "'erase' of thread 0 had removed");
  says(judge([](history& x) { x.invalidate(0b1, 2, 3); }), "'invalidate_tag'");
  says(judge([](history& x) { x.write(v(2), 2, 3); }), "'set'");
  CHECK(judge([](history& x) { x.invalidate(0b10, 2, 3); }).empty());
  // It overlaps the question.
  CHECK(judge([](history& x) { x.erase(2, 10); }).empty());
}

TEST_CASE("a stale answer is a value that was written", "[histories]") {
  history x{false, true};
  x.answered_stale(v(1), 0, 1);
  says(x.rule(), "was not written yet");
  history removed{false, true};
  removed.write(v(1), 0, 1);
  removed.erase(2, 3);
  CHECK(removed.rule().empty());
  removed.answered_stale(v(1), 4, 5);
  says(removed.rule(), "removed in an earlier window");
}

TEST_CASE("a stale answer is no load that an invalidation has overtaken",
          "[histories]") {
  history x{false, true};
  x.get_or_set(v(1), 0, 10);
  x.load(v(1), 0, 2, 8, 0b1);
  x.invalidate(0b1, 4, 5);
  x.answered_stale(v(1), 12, 13);
  says(x.rule(), "'invalidate_tag' of thread 0 had removed");
}

TEST_CASE("a refresh replaces a live value", "[histories]") {
  for (const auto refreshes : {false, true}) {
    history x{false, refreshes};
    x.write(v(1), 0, 1);
    x.load(v(2), 2, 3, 5).ended = 6;
    x.read(v(2), 8, 9);
    CHECK(x.rule().empty() == refreshes);
  }
}

TEST_CASE("the lease of a refresh outlives its entry", "[histories]") {
  history x{false, true};
  x.write(v(1), 0, 1, no_deadline, 0b1);
  x.load(v(2), 2, 3, 8).ended = 9;
  x.invalidate(0b1, 4, 5);
  x.read(absent, 6, 7);
  x.read(v(2), 10, 11);
  CHECK(x.rule().empty());
  history erased{false, true};
  erased.write(v(1), 0, 1);
  erased.load(v(2), 2, 3, 8).ended = 9;
  erased.erase(4, 5);
  erased.read(v(2), 10, 11);
  says(erased.rule(), "not linearizable");
}

TEST_CASE("a value whose callers heard that it is fenced is not seen",
          "[histories]") {
  history x;
  x.load(v(1), 0, 2, 5);
  x.get_or_set(v(1), 0, 6).fate = load_fate::fenced;
  CHECK(x.rule().empty());
  history seen;
  seen.load(v(1), 0, 2, 5);
  seen.get_or_set(v(1), 0, 6).fate = load_fate::fenced;
  seen.read(v(1), 7, 8);
  says(seen.rule(), "not linearizable");
}

TEST_CASE("a value whose callers heard that it was stored is seen",
          "[histories]") {
  history x;
  x.load(v(1), 0, 2, 5);
  x.get_or_set(v(1), 0, 6).fate = load_fate::stored;
  x.read(absent, 7, 8);
  says(x.rule(), "not linearizable");
  history voided;
  voided.load(v(1), 0, 2, 8);
  voided.get_or_set(v(1), 0, 9).fate = load_fate::stored;
  voided.erase(4, 5);
  CHECK(!voided.rule().empty());
}

TEST_CASE("a load that found nothing leaves the key absent", "[histories]") {
  history x{false, true};
  x.write(v(1), 0, 1);
  auto& run = x.load(v(2), 2, 3, 5);
  run.nothing = true;
  run.ended = 6;
  x.read(absent, 7, 8);
  CHECK(x.rule().empty());
}

// -- windows ---------------------------------------------------------------------------

TEST_CASE("the state goes on from window to window", "[histories]") {
  history x;
  x.write(v(1), 0, 1, 5 * ms, 0b1);
  CHECK(x.rule().empty());
  at_clock(x.read(v(1), 2, 3), 4 * ms, 4 * ms);
  CHECK(x.rule().empty());
  x.invalidate(0b1, 4, 5);
  CHECK(x.rule().empty());
  x.read(v(1), 6, 7);
  says(x.rule(), "gone before this window");
}

TEST_CASE("all orders that are possible go on to the next window",
          "[histories]") {
  for (auto last : {v(1), v(2)}) {
    history x;
    x.write(v(1), 0, 5);
    x.write(v(2), 1, 6);
    CHECK(x.rule().empty());
    x.read(last, 7, 8);
    CHECK(x.rule().empty());
    x.read(last == v(1) ? v(2) : v(1), 9, 10);
    says(x.rule(), "not linearizable");
  }
}

TEST_CASE("a report shows the operations and the possible states",
          "[histories]") {
  history x;
  x.write(v(1), 0, 1);
  x.write(v(2), 2, 3);
  x.read(v(1), 4, 5);
  auto found = x.check();
  REQUIRE(found);
  says(found->text, "stored v2");
  says(found->text, "  >");
  says(found->text, "Possible states before it ended, 1:\n    v2");
}

TEST_CASE("too many orders are reported, not guessed", "[histories]") {
  history x;
  for (unsigned i = 1; i <= 40; ++i)
    x.write(v(i), 0, 10);
  says(x.rule(), "undecided");
}
