#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe {

/// A call for several keys, some of which may be equal: each different key that is to be
/// loaded, and the answers by position. Functions throw std::bad_alloc.
class different_keys {
public:
  explicit different_keys(std::size_t positions)
    : key_of_(positions, none),
      answers_(positions, load_answer{std::optional<bytes>{}}) {
    // nop
  }

  /// Adds the key at `position`, which must outlive the call of `take_keys`.
  void add(std::size_t position, bytes_view key) {
    const auto [i, fresh] = known_.try_emplace(key, keys_.size());
    if (fresh)
      keys_.emplace_back(hashed_key{key});
    key_of_[position] = i->second;
  }

  /// Notes the answer of a position that has no key to load.
  void answer(std::size_t position, load_answer x) {
    answers_[position] = std::move(x);
  }

  /// The keys to load, each once, in the order in which they were added.
  [[nodiscard]] std::vector<carried_key> take_keys() noexcept {
    known_.clear();
    return std::move(keys_);
  }

  /// The answers for all positions; `loaded` has those of the taken keys.
  [[nodiscard]] std::vector<load_answer>
  take_answers(const std::vector<load_answer>& loaded) {
    for (std::size_t i = 0; i < answers_.size(); ++i)
      if (key_of_[i] != none)
        answers_[i] = loaded[key_of_[i]];
    return std::move(answers_);
  }

private:
  static constexpr auto none = static_cast<std::size_t>(-1);

  std::vector<std::size_t> key_of_; ///< By position.
  std::vector<load_answer> answers_;
  std::vector<carried_key> keys_;
  std::unordered_map<bytes_view, std::size_t> known_;
};

} // namespace troupe
