#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/topics/subscriptions.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/messages/types/bytes.hpp>

#include "apps/net/turn_clock.hpp"
#include "apps/server/clients/answer_slot.hpp"
#include "apps/server/clients/memory_share.hpp"
#include "apps/server/clients/transaction.hpp"
#include "apps/server/clients/unfinished_command.hpp"
#include "apps/server/state/client_registry.hpp"

namespace troupe::server {

/// Which replies a client wants, as CLIENT REPLY says.
enum class reply_mode : std::uint8_t {
  on,
  off,
  skip_next, ///< Not that of the next command.
  skipping,  ///< Not that of the command that runs.
};

/// What the server knows about a client; belongs to its connection.
struct client {
  std::uint64_t id = 0;
  int protocol = 2;           ///< 2 or 3, as HELLO says.
  std::size_t database = 0;   ///< As SELECT says; it is open.
  bool authenticated = false; ///< Counts while a password is required.
  client_names names;
  reply_mode replies = reply_mode::on;
  /// The name of its last command, which the table holds; null: none yet.
  const std::string_view* last_command = nullptr;
  std::shared_ptr<client_record> record; ///< What others see; may be none.
  bool leaving = false;  ///< Replies are sent, then the connection closes.
  transaction queue;     ///< What waits for EXEC.
  bool changing = false; ///< Inside an `atomic_section`.

  /// The command that goes on before any other does; mostly none.
  std::unique_ptr<unfinished_command> unfinished;

  /// The topics it listens to; null as long as it has not asked for any.
  std::unique_ptr<subscriptions> listening;

  /// The large arguments of the command that comes next, which are not in the
  /// input.
  std::vector<memory::value_buffer> large;

  /// That of them which `x` is; nullptr when it is none.
  [[nodiscard]] memory::value_buffer* gathered(bytes_view x) noexcept {
    for (auto& i : large)
      if (i.view().data() == x.data() && i.size() == x.size())
        return &i;
    return nullptr;
  }

  net::turn_clock turn; ///< Of its connection's turn.

  /// Bytes of input that was not executed and of replies that were not taken, as far
  /// as they are more than any client may have. Its connection notes them.
  std::size_t buffered = 0;
  memory_share memory; ///< What it holds of that of all.

  /// What it keeps until it asks for less, in bytes: queued for EXEC, watched,
  /// subscribed to, and its names.
  [[nodiscard]] std::size_t kept_bytes() const noexcept {
    return queue.held_bytes() + (listening ? listening->held_bytes() : 0)
           + 2 * names.size();
  }

  /// What counts for `maxmemory-clients`, in bytes: the same, what is buffered, and
  /// what its unfinished command has gathered.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return buffered + kept_bytes()
           + (unfinished ? unfinished->held_bytes() : 0);
  }

  /// Makes the place for the reply of a command that answers later. Throws
  /// std::bad_alloc.
  std::function<std::shared_ptr<answer_slot>(waiting_time)> make_slot;

  /// Makes the queue of messages for this client. Throws std::bad_alloc.
  std::function<std::shared_ptr<subscriber>()> make_subscriber;

  /// Tells whether it is a subscriber, which in RESP2 may do little else.
  [[nodiscard]] bool subscribed() const noexcept {
    return listening && !listening->empty();
  }
};

/// Stores what others may know about `x` in its record, if it has one.
void record(const client& x) noexcept;

/// The same for its names, which `all` shows.
void record_names(const client& x, client_registry& all);

/// Why a client, or its library, may not be called so; empty when it may: printable
/// ASCII without blanks, else `characters`, and not too long.
[[nodiscard]] std::string name_refusal(bytes_view name,
                                       std::string_view characters);

} // namespace troupe::server
