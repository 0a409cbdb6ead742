#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

// The calls of a region with a completion, as futures.

/// The future of what `start` gives the function that it is called with.
template <class T, class Start>
std::future<troupe::expected<T>> future_of(Start start) {
  auto made = std::make_shared<std::promise<troupe::expected<T>>>();
  auto result = made->get_future();
  start([made](troupe::expected<T> x) { made->set_value(std::move(x)); });
  return result;
}

inline auto set_async(troupe::region& where, std::string key, std::string value,
                      troupe::write_options how = {}) {
  return future_of<bool>([&](auto done) {
    where.set_then(troupe::carried_key{std::move(key)}, std::move(value),
                   std::move(how), done);
  });
}

inline auto set_if_absent_async(troupe::region& where, std::string key,
                                std::string value,
                                troupe::write_options how = {}) {
  auto conditional = troupe::unless_present(std::move(how));
  if (conditional)
    return set_async(where, std::move(key), std::move(value),
                     std::move(*conditional));
  return future_of<bool>(
    [&](auto done) { done(tl::unexpected{conditional.error()}); });
}

inline auto erase_async(troupe::region& where, std::string key) {
  return future_of<bool>([&](auto done) {
    where.erase_then(troupe::carried_key{std::move(key)}, done);
  });
}

inline auto touch_async(troupe::region& where, std::string key,
                        troupe::ttl_duration ttl) {
  return future_of<bool>([&](auto done) {
    where.touch_then(troupe::carried_key{std::move(key)}, ttl, done);
  });
}

inline auto increment_async(troupe::region& where, std::string key,
                            std::int64_t delta = 1) {
  return future_of<std::int64_t>([&](auto done) {
    auto within = where.signed_counts();
    if (within)
      where.increment_then(troupe::carried_key{std::move(key)}, delta, *within,
                           done);
    else
      done(tl::unexpected{within.error()});
  });
}

inline auto get_or_set_async(troupe::region& where, std::string key,
                             troupe::bytes_loader loader,
                             troupe::write_options how = {}) {
  return future_of<std::optional<troupe::bytes>>([&](auto done) {
    where.get_or_set_then(troupe::carried_key{std::move(key)},
                          std::move(loader), std::move(how), done);
  });
}

inline auto update_async(troupe::region& where, std::string key,
                         troupe::bytes_updater f,
                         troupe::write_options how = {}) {
  return future_of<std::optional<troupe::bytes>>([&](auto done) {
    where.update_then(troupe::carried_key{std::move(key)}, std::move(f),
                      std::move(how), done);
  });
}
