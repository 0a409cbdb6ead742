#include "apps/server/command_table.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "apps/server/atomic_section.hpp"
#include "apps/resp/error_text.hpp"

namespace troupe::server {

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
          pubsub_commands(), memory_commands()})
      for (const auto& x : family)
        insert(x);
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

const index& names() {
  static const index instance;
  return instance;
}

} // namespace

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

const command* resolve(arguments words, std::string& refusal) {
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

bool same_word(bytes_view x, std::string_view lower) noexcept {
  return x.size() == lower.size()
         && std::equal(x.begin(), x.end(), lower.begin(), [](char a, char b) {
              return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
            });
}

std::size_t command::key_count(std::size_t words) const noexcept {
  if (keys.first == 0)
    return 0;
  const auto size = static_cast<int>(words);
  const auto last
    = std::min(keys.last < 0 ? size + keys.last : keys.last, size - 1);
  return last < keys.first
           ? 0
           : static_cast<std::size_t>((last - keys.first) / keys.step + 1);
}

void run_command(command_call& call) {
  call.reply.begin();
  try {
    call.what.run(call);
  } catch (const std::bad_alloc&) {
    call.reply.rollback();
    call.reply.error(error_text::out_of_memory);
  }
  call.reply.end();
}

void begin_long(command_call& call, std::unique_ptr<unfinished_command> work) {
  using clock = turn_clock::clock;
  auto& self = call.self;
  // What EXEC runs cannot be interrupted by others.
  if (self.changing) {
    while (!work->go_on(call.reply, clock::time_point::max()))
      ;
    return;
  }
  const auto now = clock::now();
  const auto deadline = self.turn.end(now, unfinished_command::slice);
  // Those before it may have taken all the time of the turn.
  if (now >= deadline || !work->go_on(call.reply, deadline))
    self.unfinished = std::move(work);
}

bool continue_long(client& self, reply_writer& reply) {
  auto& work = *self.unfinished;
  reply.begin();
  const auto mark = reply.pending();
  auto done = true;
  self.turn.reset();
  try {
    done = work.go_on(reply, self.turn.end(turn_clock::clock::now(),
                                           unfinished_command::slice));
  } catch (const std::bad_alloc&) {
    reply.rollback();
    reply.error(error_text::out_of_memory);
  }
  reply.end();
  if (!done)
    return false;
  if (work.unheard)
    reply.truncate(mark);
  self.unfinished.reset();
  return true;
}

void add_keys(command_call& call, atomic_section& section) {
  const auto& x = call.what;
  if (x.flags.has(command_flag::whole_database))
    section.add_all(call.db);
  if (x.flags.has(command_flag::all_databases))
    call.server.databases.for_each(
      [&section](std::size_t, region& db) { section.add_all(db); });
  const auto first = static_cast<std::size_t>(x.keys.first);
  const auto step = static_cast<std::size_t>(x.keys.step);
  for (std::size_t i = 0; i < x.key_count(call.words.size()); ++i)
    section.add(call.db, call.words[first + i * step]);
  if (x.add_more_keys != nullptr)
    x.add_more_keys(call, section);
}

void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept {
  call.hits += hits;
  call.misses += misses;
}

void settle_lookups(command_call& call) noexcept {
  call.counters.hits.add(std::exchange(call.hits, 0));
  call.counters.misses.add(std::exchange(call.misses, 0));
}

bool count_memory(client& self, server_state& server) noexcept {
  const auto most = server.live.max_client_memory.load();
  const auto held = self.held_bytes();
  if (self.memory.count(server.client_memory, held, most)) [[likely]]
    return true;
  const auto clients = std::max<std::size_t>(server.clients.size(), 1);
  return held <= std::max(most / clients, defaults::least_client_memory);
}

void evict(client& self, thread_counters& counters, reply_writer& reply,
           std::string_view why) {
  counters.clients_evicted.add(1);
  self.leaving = true;
  reply.error(why);
}

expected<bool> store(command_call& call, bytes_view key, bytes_view value,
                     const write_options& how) {
  if (auto* const x = call.self.gathered(value))
    return call.db.set(key, *x, how);
  return call.db.set(key, value, how);
}

void reply_error(command_call& call, const error& why) {
  call.reply.rollback();
  call.reply.error(error_text::of(why));
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
