#include "apps/server/calls/key_checks.hpp"

#include <string>

#include <troupe/actors/regions/region_declared.hpp>

namespace troupe::server {

namespace {

std::string size_text(std::size_t size, std::size_t limit) {
  return std::to_string(size) + " bytes, the limit is " + std::to_string(limit);
}

} // namespace

expected<void> check_key(const region& db, bytes_view key) {
  if (const auto limit = db.options().max_key_size; key.size() > limit)
    return fail(errc::key_too_large, size_text(key.size(), limit));
  return {};
}

expected<void> check_keys(const region& db, resp::arguments keys) {
  for (const auto& key : keys)
    if (auto checked = check_key(db, key); !checked)
      return checked;
  return {};
}

expected<void> check_value(const region& db, bytes_view value) {
  if (const auto limit = db.options().max_value_size; value.size() > limit)
    return fail(errc::value_too_large, size_text(value.size(), limit));
  return {};
}

expected<void> check_entry(const region& db, bytes_view key, bytes_view value) {
  return check_value(db, value).and_then([&] { return check_key(db, key); });
}

} // namespace troupe::server
