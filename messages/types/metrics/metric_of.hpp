#pragma once

#include <chrono>
#include <cstdint>

#include <troupe/messages/types/metrics/metric.hpp>

namespace troupe {

/// A metric whose value is a member of a struct of figures, and the function that reads
/// that member.
template <class Figures>
struct metric_of {
  metric_info info;
  std::int64_t (*read)(const Figures&);
};

namespace detail {

template <class Figures, class T>
Figures owner_of_member(T Figures::*);

template <class T>
std::int64_t to_metric(const T& x) {
  return static_cast<std::int64_t>(x);
}

template <class Rep, class Period>
std::int64_t to_metric(std::chrono::duration<Rep, Period> x) {
  return static_cast<std::int64_t>(x.count());
}

} // namespace detail

/// Reads a member, which is an integer or a duration, as the value of a metric:
/// `{.info = {...}, .read = metric_member<&provider_figures::keys>}`.
template <auto Member>
std::int64_t metric_member(const decltype(detail::owner_of_member(Member))& x) {
  return detail::to_metric(x.*Member);
}

} // namespace troupe
