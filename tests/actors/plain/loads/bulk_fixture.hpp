#pragma once

// Calls that load several keys, and their results, for tests.

#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"
#include "test_gate.hpp"

namespace bulk_tests {

using namespace troupe;

using bulk_answers = expected<std::vector<load_answer>>;

inline std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < n; ++i)
    result.push_back("key " + std::to_string(i));
  return result;
}

inline bulk_answers get_many(region& in, const std::vector<std::string>& keys,
                             const bulk_loader& loader,
                             const write_options& how = {},
                             const load_terms& terms = {}) {
  const std::vector<bytes_view> views(keys.begin(), keys.end());
  return in.get_or_load_many(views, loader, how, terms);
}

/// The same without a thread that waits.
inline std::future<bulk_answers>
get_many_later(region& in, const std::vector<std::string>& keys,
               const bulk_loader& loader, bool look = true) {
  const std::vector<bytes_view> views(keys.begin(), keys.end());
  return future_of<std::vector<load_answer>>([&](auto done) {
    in.get_or_load_many_then(views, look, loader, {}, done);
  });
}

/// "value of KEY" for each key.
inline bulk_values values_of(const bulk_context& context) {
  bulk_values result;
  for (const auto& key : context.keys())
    result.emplace_back(std::optional<bytes>{"value of " + key});
  return result;
}

/// A loader that notes the keys of each of its calls.
struct noting_loader {
  bulk_loader function() {
    return [this](bulk_context& context) -> expected<bulk_values> {
      {
        std::lock_guard guard{mutex};
        calls.push_back(context.keys());
      }
      return values_of(context);
    };
  }

  std::mutex mutex;
  std::vector<std::vector<std::string>> calls;
};

/// The value of an answer, "<none>", or the name of its error.
inline std::string text_of(const load_answer& x) {
  if (!x.value)
    return "error: " + x.value.error().text();
  return x.value->value_or("<none>");
}

inline std::vector<std::string> texts_of(const bulk_answers& x) {
  REQUIRE(x);
  std::vector<std::string> result;
  for (const auto& one : *x)
    result.push_back(text_of(one));
  return result;
}

inline void check_drained(region_fixture& f) {
  eventually([&] { return f.loads->in_flight() == 0; });
}

/// Runs a function on a thread of its own.
template <class F>
auto on_thread(F f) {
  return std::async(std::launch::async, std::move(f));
}

} // namespace bulk_tests
