#include "apps/server/options/option_table.hpp"

#include <algorithm>
#include <utility>

#include <troupe/messages/types/text/words.hpp>

#include "apps/server/options/option_families.hpp"

namespace troupe::server {

option_table::option_table() {
  for (const auto family : option_families)
    for (auto& x : family())
      add(std::move(x));
}

option_table& option_table::add(server_option x) {
  x.shown.section = section;
  x.shown.flat = true;
  rows_.push_back(std::move(x));
  return *this;
}

const server_option* option_table::find(bytes_view name) const noexcept {
  const auto found
    = std::find_if(rows_.begin(), rows_.end(), [name](const server_option& x) {
        return same_word(name, x.shown.name)
               || (!x.shown.alias.empty() && same_word(name, x.shown.alias));
      });
  return found == rows_.end() ? nullptr : &*found;
}

const option_table& option_table::standard() {
  static const option_table result;
  return result;
}

const option_table& options_of(const server_state& server) {
  const auto& own = server.options.table;
  return own != nullptr ? *own : option_table::standard();
}

std::string present_value(const server_option& x, const server_state& server) {
  if (x.get)
    return x.get(server);
  const auto& given = server.options.start_values;
  if (const auto i = given.find(x.shown.name); i != given.end())
    return i->second;
  const auto preset = x.shown.kind.read(x.shown.preset);
  return preset ? x.shown.kind.write_plain(*preset) : x.shown.preset;
}

} // namespace troupe::server
