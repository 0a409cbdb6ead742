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

/// Which replies a client gets, as set by CLIENT REPLY.
enum class reply_mode : std::uint8_t {
  on,
  off,
  skip_next, ///< The next command gets no reply.
  skipping,  ///< The running command gets no reply.
};

/// The state of a client. Belongs to its connection, and is used only on its thread.
struct client {
  std::uint64_t id = 0;
  int protocol = 2;           ///< 2 or 3, as set by HELLO.
  std::size_t database = 0;   ///< As set by SELECT; the database is open.
  bool authenticated = false; ///< Has no effect while no password is required.
  client_names names;
  reply_mode replies = reply_mode::on;
  /// The name of its last command, stored in the table of commands; null: none yet.
  const std::string_view* last_command = nullptr;
  std::shared_ptr<client_record> record; ///< For other threads; may be null.
  bool leaving = false;  ///< The connection closes after the replies are sent.
  transaction queue;     ///< The commands that wait for EXEC.
  bool changing = false; ///< Inside an `atomic_section`.

  /// The command that must end before the next one begins; mostly null.
  std::unique_ptr<unfinished_command> unfinished;

  /// Ends the leases that it got; null until it first asks for one.
  std::shared_ptr<const void> leases;

  /// The topics that it has subscribed to; null until its first subscription.
  std::unique_ptr<subscriptions> listening;

  /// The large arguments of the next command, which are not in the input.
  std::vector<memory::value_buffer> large;

  /// The element of `large` that holds `x`, or nullptr.
  [[nodiscard]] memory::value_buffer* gathered(bytes_view x) noexcept {
    for (auto& i : large)
      if (i.view().data() == x.data() && i.size() == x.size())
        return &i;
    return nullptr;
  }

  net::turn_clock turn; ///< The time of its connection's present turn.

  /// Bytes of commands that were not executed and of replies that the client has not
  /// taken, beyond what each client may have. Set by its connection.
  std::size_t buffered = 0;
  memory_share memory; ///< Its part of the memory of all clients.

  /// The memory of its queue for EXEC, watched keys, subscriptions and names, in bytes.
  [[nodiscard]] std::size_t kept_bytes() const noexcept {
    return queue.held_bytes() + (listening ? listening->held_bytes() : 0)
           + 2 * names.size();
  }

  /// The memory that counts for `maxmemory-clients`, in bytes: `kept_bytes`,
  /// `buffered`, and the results of its unfinished command.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return buffered + kept_bytes()
           + (unfinished ? unfinished->held_bytes() : 0);
  }

  /// Makes the slot for the reply of a command that answers later. Throws
  /// std::bad_alloc.
  std::function<std::shared_ptr<answer_slot>(waiting_time)> make_slot;

  /// Makes the queue of messages for this client. Throws std::bad_alloc.
  std::function<std::shared_ptr<subscriber>()> make_subscriber;

  /// Whether it is a subscriber. In RESP2 a subscriber may call few commands.
  [[nodiscard]] bool subscribed() const noexcept {
    return listening && !listening->empty();
  }
};

/// Copies the state of `x` that other threads may read into its record, if it has one.
void record(const client& x) noexcept;

/// Copies the names of `x` into its record, if it has one. `all` is the registry of the
/// record.
void record_names(const client& x, client_registry& all);

/// Checks a name of a client or of its library: printable ASCII without blanks, and not
/// too long. Returns an empty text, or the error: `characters` for a wrong character.
[[nodiscard]] std::string name_refusal(bytes_view name,
                                       std::string_view characters);

} // namespace troupe::server
