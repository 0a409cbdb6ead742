#include "catch.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "apps/bench/trace/frequency_sketch.hpp"
#include "apps/bench/trace/key_queues.hpp"
#include "apps/bench/trace/policy.hpp"

using namespace troupe::bench;

namespace {

/// A trace of letters; 'a' is key 0.
key_trace letters(const std::string& text) {
  key_trace result;
  for (auto c : text)
    result.requests.push_back(static_cast<key_id>(c - 'a'));
  result.unique = static_cast<std::size_t>(
    *std::max_element(text.begin(), text.end()) - 'a' + 1);
  return result;
}

/// What `name` makes of `text`: 'h' for each hit, '.' for each miss.
std::string outcome(const std::string& name, std::size_t capacity,
                    const std::string& text) {
  auto trace = letters(text);
  auto cache = policy_called(name).make(trace, capacity);
  std::string result;
  for (auto key : trace.requests) {
    result += cache->access(key) ? 'h' : '.';
    REQUIRE(cache->size() <= capacity);
  }
  return result;
}

/// `count` requests: popular keys, keys asked for once, and loops.
key_trace mixture(std::size_t count, std::size_t keys, unsigned seed) {
  std::mt19937 random{seed};
  std::geometric_distribution<key_id> popular{5.0 / static_cast<double>(keys)};
  key_trace result;
  result.unique = keys;
  while (result.requests.size() < count) {
    if (random() % 50 == 0) {
      auto first = random() % keys;
      for (std::size_t i = 0; i < 40; ++i)
        result.requests.push_back(static_cast<key_id>((first + i % 20) % keys));
    } else if (random() % 5 == 0) {
      result.requests.push_back(static_cast<key_id>(random() % keys));
    } else {
      result.requests.push_back(
        std::min(popular(random), static_cast<key_id>(keys - 1)));
    }
  }
  return result;
}

std::size_t hits(const contestant_policy& who, const key_trace& trace,
                 std::size_t capacity) {
  auto cache = who.make(trace, capacity);
  std::size_t result = 0;
  for (auto key : trace.requests) {
    result += cache->access(key) ? 1 : 0;
    if (cache->size() > capacity)
      FAIL(who.title << " holds " << cache->size() << " of " << capacity);
  }
  return result;
}

/// The hits of the best of all possible choices, by trying every one.
std::size_t most_hits(const key_trace& trace, std::size_t capacity,
                      std::size_t now, std::vector<key_id> held) {
  if (now == trace.requests.size())
    return 0;
  auto key = trace.requests[now];
  if (std::find(held.begin(), held.end(), key) != held.end())
    return 1 + most_hits(trace, capacity, now + 1, held);
  // Not to store it is one of the choices.
  auto best = most_hits(trace, capacity, now + 1, held);
  if (held.size() < capacity) {
    held.push_back(key);
    return std::max(best, most_hits(trace, capacity, now + 1, held));
  }
  for (std::size_t i = 0; i < held.size(); ++i) {
    auto other = held;
    other[i] = key;
    best = std::max(best, most_hits(trace, capacity, now + 1, other));
  }
  return best;
}

} // namespace

// -- by hand -------------------------------------------------------------------

TEST_CASE("FIFO evicts in the order of arrival") {
  // abc, then d pushes out a although it was hit.
  CHECK(outcome("fifo", 3, "abcadabc") == "...h....");
  CHECK(outcome("fifo", 3, "abcadbcd") == "...h.hhh");
}

TEST_CASE("LRU evicts what was not used for longest") {
  CHECK(outcome("lru", 3, "abcadabc") == "...h.h..");
  CHECK(outcome("lru", 2, "abacab") == "..h.h.");
}

TEST_CASE("CLOCK gives a second chance to what was hit") {
  // d passes a, which was hit, and evicts b. Behind a's second round it is the
  // newest but one: e evicts c.
  CHECK(outcome("clock", 3, "abcadaeac") == "...h.h.h.");
  // All were hit: one round takes all marks away, and the oldest goes.
  CHECK(outcome("clock", 2,
                "abab"
                "cba")
        == "..hh"
           ".h.");
}

TEST_CASE("SIEVE moves nothing and judges the newcomers") {
  // d: the hand passes a and evicts b. e: the hand goes on from there, to c.
  // f: to d, a newcomer, while a is still where it was.
  CHECK(outcome("sieve", 3, "abcadefa") == "...h...h");
  // CLOCK's hand comes to a earlier.
  CHECK(outcome("clock", 3, "abcadefa") == "...h....");
}

TEST_CASE("S3-FIFO lets pass what comes once and remembers it") {
  // Room for ten: one in the small queue, nine in the main one. a is hit twice,
  // moves to the main queue when the eleventh comes and outlives the scan.
  CHECK(outcome("s3-fifo", 10, "aaabcdefghijklmnopqra")
        == ".hh.................h");
  // Hit once is not enough: a goes.
  CHECK(outcome("s3-fifo", 10, "aabcdefghijklmnopqra")
        == ".h..................");
  // b was evicted for k and comes back while it is remembered: into the main
  // queue, where no scan reaches it. (a was evicted for k, b for l.)
  CHECK(outcome("s3-fifo", 10, "abcdefghijklbmnopqrstuvwxyzb")
        == "...........................h");
}

TEST_CASE("ARC protects what came twice from a scan") {
  // a and b were hit and so are among those seen often; the scan of c to h only
  // pushes out itself.
  CHECK(outcome("arc", 4, "ababcdefghab") == "..hh......hh");
  CHECK(outcome("lru", 4, "ababcdefghab") == "..hh........");
}

TEST_CASE("ARC learns from its ghosts") {
  // a is seen often; b and c once. d: seen once is full up to its target of 0,
  // so b becomes a ghost. b comes back: the target grows to 1, c becomes a
  // ghost, b is seen often. c comes back: the target grows to 2 and now d, the
  // only one seen once, is at its target, so that a has to go.
  CHECK(outcome("arc", 3, "aabcdbcda") == ".h.....h.");
}

TEST_CASE("W-TinyLFU admits only what is asked for more often") {
  // A window of one and a main part of three. b, c and d fill it as the window
  // lets go of them; a, asked for three times, stays. e and f are asked for as
  // often as the main part's victims: that is not enough.
  CHECK(outcome("w-tinylfu", 4, "aaabcdefabc") == ".hh.....hhh");
  // e was asked for twice when f pushes it out of the window, a once: a goes.
  CHECK(outcome("w-tinylfu", 4, "abcdeefa") == ".....h..");
  CHECK(outcome("w-tinylfu", 4, "abcdefa") == "......h");
}

TEST_CASE("OPT evicts what is needed last") {
  // d is never needed again and is not even stored.
  CHECK(outcome("opt", 2, "abcabd") == "...hh.");
  // d pushes out c, which is needed last; when c comes it is needed no more.
  CHECK(outcome("opt", 3, "abcdabdcba") == "....hhh.hh");
}

TEST_CASE("all policies work with room for one") {
  for (auto& who : all_policies()) {
    INFO(who.title);
    CHECK(outcome(std::string{who.name}, 1, "aabba") == ".h.h.");
  }
}

TEST_CASE("with room for all keys only first requests miss") {
  auto trace = mixture(3'000, 100, 7);
  std::vector<bool> seen(trace.unique);
  std::size_t first = 0;
  for (auto key : trace.requests) {
    first += seen[key] ? 0 : 1;
    seen[key] = true;
  }
  for (auto& who : all_policies()) {
    INFO(who.title);
    // An S3-FIFO or W-TinyLFU of this size evicts nothing: nothing is full.
    CHECK(hits(who, trace, 100) == trace.requests.size() - first);
  }
}

// -- against the optimum -------------------------------------------------------

TEST_CASE("OPT is the best of all possible choices") {
  std::mt19937 random{11};
  for (int i = 0; i < 200; ++i) {
    key_trace trace;
    trace.unique = 5;
    for (int j = 0; j < 10; ++j)
      trace.requests.push_back(static_cast<key_id>(random() % trace.unique));
    for (std::size_t capacity = 1; capacity <= 3; ++capacity)
      CHECK(hits(policy_called("opt"), trace, capacity)
            == most_hits(trace, capacity, 0, {}));
  }
}

TEST_CASE("no policy has more hits than OPT, nor more entries than room") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    auto keys = 20 + 30 * seed;
    auto trace = mixture(4'000, keys, seed);
    for (std::size_t capacity : {1U, 2U, 3U, 7U, 20U, 100U}) {
      auto most = hits(policy_called("opt"), trace, capacity);
      for (auto& who : all_policies()) {
        INFO(who.title << ", " << keys << " keys, room for " << capacity);
        CHECK(hits(who, trace, capacity) <= most);
      }
    }
  }
}

// -- their parts ---------------------------------------------------------------

TEST_CASE("queues of keys keep their order and know who is where") {
  key_queues queues{4, 2};
  CHECK(queues.front(0) == key_queues::none);
  CHECK(queues.back(1) == key_queues::none);
  queues.push(0, 2);
  queues.push(0, 0);
  queues.push(0, 3);
  queues.push(1, 1);
  CHECK(queues.size(0) == 3);
  CHECK(queues.front(0) == 3);
  CHECK(queues.back(0) == 2);
  CHECK(queues.newer(2) == 0);
  CHECK(queues.newer(3) == key_queues::none);
  CHECK(queues.home(1) == 1);
  queues.move(1, 0);
  CHECK(queues.newer(2) == 3);
  CHECK(queues.front(1) == 0);
  CHECK(queues.pop(0) == 2);
  CHECK(queues.pop(0) == 3);
  CHECK(queues.size(0) == 0);
  CHECK_FALSE(queues.contains(3));
  CHECK(queues.contains(0));
}

TEST_CASE("a frequency sketch counts to fifteen and forgets by halves") {
  frequency_sketch sketch{100};
  CHECK(sketch.estimate(5) == 0);
  for (int i = 0; i < 9; ++i)
    sketch.add(5);
  CHECK(sketch.estimate(5) >= 9);
  for (int i = 0; i < 100; ++i)
    sketch.add(6);
  CHECK(sketch.estimate(6) == 15);
  // 24 additions counted so far; the thousandth halves them all.
  for (key_id i = 0; i < 976; ++i)
    sketch.add(1000 + i);
  CHECK(sketch.estimate(6) <= 8);
  CHECK(sketch.estimate(6) >= 7);
}
