#pragma once

// The input of the maps: keys, values, and the order in which threads request them.
//
// All of it is made before the clock starts. A sequence holds its keys one
// behind the other in the order of their use, as they would lie in the buffer
// a request was just read into: the processor fetches them ahead, and the cache
// misses that are measured are the map's own. Many benchmarks take the keys
// from one array of all keys instead, and so pay for a further miss per request,
// the same for all maps; a data set with `pooled` keys does that.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::bench {

/// Ranks from 1 to `n`, rank k with a probability proportional to
/// k^-exponent. Rejection-inversion: W. Hörmann, G. Derflinger,
/// "Rejection-inversion to generate variates from monotone discrete
/// distributions", ACM TOMACS 6(3), 1996. Constant time, exact, no tables.
class zipf_distribution {
public:
  /// `n` >= 1, `exponent` > 0.
  zipf_distribution(std::uint64_t n, double exponent);

  template <class Generator>
  std::uint64_t operator()(Generator& random) const {
    for (;;) {
      auto u
        = lowest_
          + std::generate_canonical<double, 53>(random) * (highest_ - lowest_);
      auto x = integral_inverse(u);
      auto k = std::floor(std::fmin(std::fmax(x + 0.5, 1.0), n_));
      if (k - x <= shortcut_ || u >= integral(k + 0.5) - density(k))
        return static_cast<std::uint64_t>(k);
    }
  }

private:
  [[nodiscard]] double density(double x) const;
  [[nodiscard]] double integral(double x) const;
  [[nodiscard]] double integral_inverse(double x) const;

  double n_;
  double exponent_;
  double lowest_;
  double highest_;
  double shortcut_;
};

/// Keys "key:000000123456" and their values. Values repeat after 256 keys, so
/// that those a writer brings are in its cache, as they would be in life.
class data_set {
public:
  data_set(std::size_t entries, std::size_t key_size, std::size_t value_size,
           bool pooled = false);

  [[nodiscard]] std::size_t entries() const noexcept {
    return entries_;
  }

  [[nodiscard]] std::size_t key_size() const noexcept {
    return key_size_;
  }

  [[nodiscard]] std::string key(std::size_t index) const;

  [[nodiscard]] std::string_view value(std::size_t index) const noexcept {
    return values_[index % distinct_values];
  }

  /// All keys one behind the other, or nullptr when they are not pooled.
  [[nodiscard]] const char* pool() const noexcept {
    return pool_.empty() ? nullptr : pool_.data();
  }

  /// The shortest key size with `entries` different keys.
  static std::size_t smallest_key(std::size_t entries);

private:
  static constexpr std::size_t distinct_values = 256;

  std::size_t entries_;
  std::size_t key_size_;
  std::vector<std::string> values_;
  std::string pool_;
};

/// Reads a value that was found, as every contestant has to.
[[nodiscard]] inline std::uint64_t touch(std::string_view value) noexcept {
  return static_cast<std::uint64_t>(static_cast<unsigned char>(value.front()))
         + static_cast<std::uint64_t>(static_cast<unsigned char>(value.back()));
}

/// How popular the keys are.
struct popularity {
  double exponent = 0.99; ///< Of Zipf's law; 0: all the same.
};

/// The requests of one thread, in order.
class request_sequence {
public:
  /// Popular keys are spread over the key space: rank r is key number p(r) of
  /// a random permutation p, the same for all sequences over `data`.
  request_sequence(const data_set& data, popularity keys, std::size_t size,
                   double write_share, std::uint64_t seed);

  // A copy would point into the original.
  request_sequence(const request_sequence&) = delete;
  request_sequence(request_sequence&&) = default;

  [[nodiscard]] std::size_t size() const noexcept {
    return indexes_.size();
  }

  [[nodiscard]] std::string_view key(std::size_t i) const noexcept {
    return {keys_[i], key_size_};
  }

  /// What belongs under that key, before and after every write.
  [[nodiscard]] std::string_view value(std::size_t i) const noexcept {
    return data_.value(value_numbers_[i]);
  }

  /// What belongs under the first key, and what else may be there while a hot
  /// load writes it.
  [[nodiscard]] std::pair<std::string_view, std::string_view>
  hot_values() const noexcept {
    return {data_.value(indexes_[0]), data_.value(indexes_[0] + 1)};
  }

  /// Whether a mixed load writes here.
  [[nodiscard]] bool writes(std::size_t i) const noexcept {
    return writes_[i] != 0;
  }

  [[nodiscard]] std::size_t index(std::size_t i) const noexcept {
    return indexes_[i];
  }

private:
  const data_set& data_;
  std::size_t key_size_;
  std::vector<std::uint32_t> indexes_;
  std::vector<const char*> keys_;
  std::vector<char> copies_; ///< What `keys_` points to, unless pooled.
  std::vector<std::uint8_t> value_numbers_;
  std::vector<std::uint8_t> writes_;
};

} // namespace troupe::bench
