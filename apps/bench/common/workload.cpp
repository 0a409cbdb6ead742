#include <apps/bench/common/workload.hpp>

#include <algorithm>
#include <numeric>

namespace troupe::bench {

namespace {

constexpr std::string_view prefix = "key:";

/// log(1 + x) / x, also near zero.
double log1p_over(double x) {
  return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2;
}

/// (exp(x) - 1) / x, also near zero.
double expm1_over(double x) {
  return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2;
}

std::vector<std::uint32_t> permutation(std::size_t size) {
  std::vector<std::uint32_t> result(size);
  std::iota(result.begin(), result.end(), std::uint32_t{0});
  std::mt19937_64 random{0x7265616c6c79}; // the same for all sequences
  std::shuffle(result.begin(), result.end(), random);
  return result;
}

std::vector<std::uint32_t> draw(std::size_t entries, popularity keys,
                                std::size_t size, std::mt19937_64& random) {
  std::vector<std::uint32_t> result(size);
  if (keys.exponent == 0) {
    std::uniform_int_distribution<std::uint32_t> any{
      0, static_cast<std::uint32_t>(entries - 1)};
    std::generate(result.begin(), result.end(), [&] { return any(random); });
    return result;
  }
  auto by_rank = permutation(entries);
  zipf_distribution rank{entries, keys.exponent};
  std::generate(result.begin(), result.end(),
                [&] { return by_rank[rank(random) - 1]; });
  return result;
}

} // namespace

// -- Zipf's law ----------------------------------------------------------------

zipf_distribution::zipf_distribution(std::uint64_t n, double exponent)
  : n_(static_cast<double>(n)), exponent_(exponent) {
  lowest_ = integral(1.5) - 1;
  highest_ = integral(n_ + 0.5);
  shortcut_ = 2 - integral_inverse(integral(2.5) - density(2));
}

double zipf_distribution::density(double x) const {
  return std::exp(-exponent_ * std::log(x));
}

double zipf_distribution::integral(double x) const {
  auto log_x = std::log(x);
  return expm1_over((1 - exponent_) * log_x) * log_x;
}

double zipf_distribution::integral_inverse(double x) const {
  auto t = std::max(x * (1 - exponent_), -1.0);
  return std::exp(log1p_over(t) * x);
}

// -- data ----------------------------------------------------------------------

data_set::data_set(std::size_t entries, std::size_t key_size,
                   std::size_t value_size, bool pooled)
  : entries_(entries), key_size_(key_size) {
  std::mt19937_64 random{1};
  std::uniform_int_distribution<int> byte{0, 255};
  for (std::size_t i = 0; i < distinct_values; ++i) {
    std::string value(value_size, '\0');
    std::generate(value.begin(), value.end(),
                  [&] { return static_cast<char>(byte(random)); });
    values_.push_back(std::move(value));
  }
  if (pooled)
    for (std::size_t i = 0; i < entries; ++i)
      pool_ += key(i);
}

std::string data_set::key(std::size_t index) const {
  auto digits = std::to_string(index);
  std::string result{prefix};
  result.append(key_size_ - prefix.size() - digits.size(), '0');
  return result + digits;
}

std::size_t data_set::smallest_key(std::size_t entries) {
  return prefix.size() + std::to_string(entries - 1).size();
}

// -- requests ------------------------------------------------------------------

request_sequence::request_sequence(const data_set& data, popularity keys,
                                   std::size_t size, double write_share,
                                   std::uint64_t seed)
  : data_(data), key_size_(data.key_size()) {
  std::mt19937_64 random{seed};
  std::bernoulli_distribution write{write_share};
  indexes_ = draw(data.entries(), keys, size, random);
  keys_.reserve(size);
  value_numbers_.reserve(size);
  writes_.reserve(size);
  if (data.pool() == nullptr)
    copies_.reserve(size * key_size_); // They must not move from here on.
  for (auto index : indexes_) {
    if (data.pool() != nullptr) {
      keys_.push_back(data.pool() + index * key_size_);
    } else {
      keys_.push_back(copies_.data() + copies_.size());
      auto key = data.key(index);
      copies_.insert(copies_.end(), key.begin(), key.end());
    }
    value_numbers_.push_back(static_cast<std::uint8_t>(index));
    writes_.push_back(write(random) ? 1 : 0);
  }
}

} // namespace troupe::bench
