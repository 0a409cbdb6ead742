#include "apps/server/commands/command_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/commands/families.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

constexpr std::size_t longest_name = 16;

// A name as two words, so that comparing it costs two instructions.
struct packed_name {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::size_t size = 0;

  friend bool operator==(const packed_name&, const packed_name&) = default;

  [[nodiscard]] std::size_t hash() const noexcept {
    const auto mixed
      = (low ^ (high * 0x9e3779b97f4a7c15ULL) ^ size) * 0xd6e8feb86659fd93ULL;
    return static_cast<std::size_t>(mixed >> 40);
  }
};

// Eight ASCII letters to lower case at once.
constexpr std::uint64_t to_lower(std::uint64_t x) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101ULL;
  const auto low7 = x & (0x7f * ones);
  const auto from_a = low7 + (0x80 - 'A') * ones;
  const auto beyond_z = low7 + (0x7f - 'Z') * ones;
  const auto upper = (from_a ^ beyond_z) & ~x & (0x80 * ones);
  return x | (upper >> 2);
}

std::optional<packed_name> pack(bytes_view name) noexcept {
  if (name.empty() || name.size() > longest_name)
    return std::nullopt;
  std::array<char, longest_name> padded{};
  std::memcpy(padded.data(), name.data(), name.size());
  packed_name result;
  std::memcpy(&result.low, padded.data(), 8);
  std::memcpy(&result.high, padded.data() + 8, 8);
  result.low = to_lower(result.low);
  result.high = to_lower(result.high);
  result.size = name.size();
  return result;
}

// Open addressing over all top-level names, at most half full.
class index {
public:
  index() {
    for (const auto family :
         {connection_commands(), client_commands(), config_commands(),
          server_commands(), key_commands(), expiry_commands(),
          string_commands(), value_commands(), transaction_commands(),
          multi_key_commands(), pubsub_commands(), memory_commands(),
          lease_commands()})
      for (const auto& x : family)
        insert(x);
  }

  expected<void> add(std::span<const command> family) {
    if (2 * (all_.size() + family.size()) > size)
      return fail(errc::invalid_argument,
                  "the table takes " + std::to_string(size / 2) + " commands");
    for (const auto& x : family) {
      const auto name = pack(x.name);
      if (!name)
        return fail(errc::invalid_argument,
                    "a command's name has 1 to " + std::to_string(longest_name)
                      + " letters, unlike '" + std::string{x.name} + "'");
      if (find(*name) != nullptr)
        return fail(errc::invalid_argument,
                    "there is a command '" + std::string{x.name} + "'");
    }
    for (const auto& x : family)
      insert(x);
    return {};
  }

  [[nodiscard]] const command* find(const packed_name& name) const noexcept {
    for (auto i = name.hash() % size;; i = (i + 1) % size) {
      if (slots_[i].what == nullptr || slots_[i].name == name)
        return slots_[i].what;
    }
  }

  [[nodiscard]] std::span<const command* const> all() const noexcept {
    return all_;
  }

private:
  static constexpr std::size_t size = 512;

  struct slot {
    packed_name name;
    const command* what = nullptr;
  };

  void insert(const command& x) {
    const auto name = pack(x.name).value();
    auto i = name.hash() % size;
    while (slots_[i].what != nullptr)
      i = (i + 1) % size;
    slots_[i] = {name, &x};
    all_.push_back(&x);
  }

  std::array<slot, size> slots_;
  std::vector<const command*> all_;
};

index& names() {
  static index instance;
  return instance;
}

} // namespace

expected<void> add_commands(std::span<const command> family) {
  return names().add(family);
}

std::span<const command* const> all_commands() {
  return names().all();
}

const command* find_command(bytes_view name) noexcept {
  const auto packed = pack(name);
  return packed ? names().find(*packed) : nullptr;
}

const command* find_subcommand(const command& container,
                               bytes_view name) noexcept {
  for (const auto& x : container.subcommands)
    if (same_word(name, x.own_name()))
      return &x;
  return nullptr;
}

const command* resolve(resp::arguments words, std::string& refusal) {
  const auto* found = find_command(words[0]);
  if (found == nullptr) {
    refusal = error_text::unknown_command(words);
    return nullptr;
  }
  if (!found->subcommands.empty() && words.size() > 1) [[unlikely]] {
    found = find_subcommand(*found, words[1]);
    if (found == nullptr) {
      refusal = error_text::unknown_subcommand(words);
      return nullptr;
    }
  }
  if (!found->accepts(words.size())) {
    refusal = error_text::wrong_arity(found->name);
    return nullptr;
  }
  return found;
}

void reply_help(command_call& call) {
  const auto bar = call.what.name.find('|');
  const auto* container = find_command(call.what.name.substr(0, bar));
  std::string title{container->name};
  std::transform(title.begin(), title.end(), title.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  });
  title += " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
  call.reply.array(1 + 2 * container->subcommands.size());
  call.reply.simple(title);
  for (const auto& x : container->subcommands) {
    std::string name{x.own_name()};
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    });
    call.reply.simple(name);
    call.reply.simple(std::string{"    "}.append(x.summary).append("."));
  }
}

} // namespace troupe::server
