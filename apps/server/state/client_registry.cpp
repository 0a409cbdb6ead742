#include "apps/server/state/client_registry.hpp"

#include <string_view>
#include <utility>

namespace troupe::server {

namespace {

// "name=value" pairs, as in CLIENT LIST.
class line_writer {
public:
  explicit line_writer(std::string& out) noexcept : out_(out) {
    // nop
  }

  line_writer& field(std::string_view name, std::string_view text) {
    if (!out_.empty() && out_.back() != '\n')
      out_ += ' ';
    out_.append(name).append("=").append(text);
    return *this;
  }

  template <class Integer>
  line_writer& number(std::string_view name, Integer x) {
    return field(name, std::to_string(x));
  }

private:
  std::string& out_;
};

std::string flags_of(const client_record& x) {
  std::string flags;
  if (x.queued >= 0)
    flags += 'x';
  if (x.type() == std::string_view{"pubsub"})
    flags += 'P';
  if (x.unblock)
    flags += 'b';
  if (x.local)
    flags += 'U';
  if (x.no_evict)
    flags += 'e';
  if (x.no_touch)
    flags += 'T';
  return flags.empty() ? "N" : flags;
}

std::int64_t seconds_since(client_record::clock::time_point x) {
  using namespace std::chrono;
  return duration_cast<seconds>(client_record::clock::now() - x).count();
}

// The fields of Redis 7.2. What is zero here is memory that a connection of
// this server does not have.
void append_line(std::string& out, const client_record& x) {
  const auto* const last = x.last_command.load();
  const std::size_t input = x.input;
  const std::size_t output = x.output;
  line_writer{out}
    .number("id", x.id)
    .field("addr", x.address)
    .field("laddr", x.local_address)
    .number("fd", x.descriptor)
    .field("name", x.names.client)
    .number("age", seconds_since(x.opened))
    .number("idle", seconds_since(x.last_active))
    .field("flags", flags_of(x))
    .number("db", x.database.load())
    .number("sub", x.channels.load())
    .number("psub", x.patterns.load())
    .number("ssub", x.shard_channels.load())
    .number("multi", x.queued.load())
    .number("qbuf", input)
    .field("qbuf-free", "0")
    .field("argv-mem", "0")
    .field("multi-mem", "0")
    .field("rbs", "0")
    .field("rbp", "0")
    .field("obl", "0")
    .field("oll", "0")
    .number("omem", output)
    .number("tot-mem", input + output)
    .field("events", output > 0 ? "w" : "r")
    .field("cmd", last != nullptr ? *last : "NULL")
    .field("user", "default")
    .field("redir", "-1")
    .number("resp", x.protocol.load())
    .field("lib-name", x.names.library)
    .field("lib-ver", x.names.library_version);
  out += '\n';
}

} // namespace

const char* client_record::type() const noexcept {
  return channels + patterns + shard_channels > 0 ? "pubsub" : "normal";
}

void client_registry::add(std::shared_ptr<client_record> x) {
  std::lock_guard lock{mutex_};
  const auto id = x->id;
  clients_.emplace(id, std::move(x));
}

void client_registry::remove(std::uint64_t id) noexcept {
  std::lock_guard lock{mutex_};
  clients_.erase(id);
}

std::size_t client_registry::size() const noexcept {
  std::lock_guard lock{mutex_};
  return clients_.size();
}

void client_registry::rename(client_record& x, const client_names& names) {
  std::lock_guard lock{mutex_};
  x.names = names;
}

// What was there before ends without the mutex: it may be the last to hold something.
void client_registry::note_waiting(client_record& x,
                                   std::function<bool(unblocking)> end) {
  std::lock_guard lock{mutex_};
  x.unblock.swap(end);
}

// The command's holder hears of it, and may do what it likes: not under the mutex.
bool client_registry::unblock(std::uint64_t id, unblocking how) {
  std::function<bool(unblocking)> end;
  {
    std::lock_guard lock{mutex_};
    if (const auto found = clients_.find(id); found != clients_.end())
      end = found->second->unblock;
  }
  return end && end(how);
}

std::string client_registry::list(const filter& wanted) const {
  std::string result;
  std::lock_guard lock{mutex_};
  for (const auto& [id, x] : clients_)
    if (wanted(*x))
      append_line(result, *x);
  return result;
}

std::size_t client_registry::end(const filter& wanted, std::uint64_t self,
                                 const std::function<void()>& spare) {
  std::size_t count = 0;
  std::lock_guard lock{mutex_};
  for (auto i = clients_.begin(); i != clients_.end();) {
    if (!wanted(*i->second)) {
      ++i;
      continue;
    }
    ++count;
    if (i->first == self) {
      spare();
      ++i;
    } else {
      i->second->cut();
      i = clients_.erase(i);
    }
  }
  return count;
}

} // namespace troupe::server
