#include "apps/console/peer/connection.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <troupe/actors/gate/find_consoles.hpp>
#include <troupe/actors/gate/remote.hpp>
#include <troupe/actors/shell/asker.hpp>
#include <troupe/messages/caf/form_codec.hpp>
#include <troupe/messages/interfaces.hpp>

#include "apps/console/text/units.hpp"

namespace troupe::console {

namespace {

/// The end of the path of the socket of a server on the default port.
constexpr std::string_view default_socket_name = "/6380.sock";

/// The error for a failed connect.
failure no_server(const console_address& where, const error& why) {
  const bool refused = why == errc::invalid_argument;
  const auto hint
    = refused
        ? std::string{"; give the server's console-password in "
                      "TROUPE_CONSOLE_PASSWORD or with --password-file"}
        : std::string{"; start one with ./apps/run, or give the console "
                      "address, which it prints, with --socket, or with --host "
                      "and --port"};
  return {not_connected,
          {errc::system_error,
           (refused ? "not admitted on "
                    : "no troupe server "
                      "answers on ")
             + to_string(where) + " (" + why.text() + ")"
             + (refused && std::holds_alternative<console_socket>(where)
                  ? std::string{}
                  : hint)}};
}

/// The answer to `find_actor_request`.
struct found_actor {
  std::string kind;
  caf::strong_actor_ptr who;
};

} // namespace

expected<console_address> only_server() {
  const auto found = find_consoles();
  if (found.size() == 1)
    return console_socket{found.front()};
  if (found.empty())
    return fail(errc::system_error,
                "no troupe server of this user runs here; start one with "
                "./apps/run, or give the console address, which it prints, "
                "with --socket, or with --host and --port");
  const auto usual = std::find_if(found.begin(), found.end(), [](auto& x) {
    return x.ends_with(default_socket_name);
  });
  if (usual != found.end())
    return console_socket{*usual};
  std::string all;
  for (const auto& x : found)
    all += " " + x;
  return fail(errc::system_error,
              "several programs with a console run here; choose one with "
              "--socket:"
                + all);
}

class connection::link {
public:
  link(endpoint peer, connected_function connected)
    : peer_(std::move(peer)), connected_(std::move(connected)) {
    // nop
  }

  [[nodiscard]] bool is_open() const {
    return asker_.is_connected();
  }

  answer<void> open() {
    if (is_open())
      return {};
    supervisor_ = supervisor_actor{};
    auto where
      = peer_.where ? expected<console_address>{*peer_.where} : only_server();
    if (!where)
      return tl::unexpected{failure{not_connected, std::move(where.error())}};
    auto found = connect(asker_.system(), *where, peer_.timeout);
    if (!found)
      return tl::unexpected{no_server(*where, found.error())};
    supervisor_ = std::move(*found);
    address_ = to_string(*where);
    asker_.follow(supervisor_);
    if (connected_)
      connected_(address_);
    return {};
  }

  template <class Reply, class Request>
  answer<Reply> ask(const Request& what,
                    std::chrono::milliseconds extra_time = {}) {
    if (auto ok = open(); !ok)
      return tl::unexpected{std::move(ok.error())};
    return request<Reply>(supervisor_, what, peer_.timeout + extra_time);
  }

  answer<found_actor> find_actor(const std::string& name) {
    if (auto ok = open(); !ok)
      return tl::unexpected{std::move(ok.error())};
    found_actor result;
    return exchange(supervisor_, peer_.timeout, find_actor_request{name},
                    [&](std::string& kind, caf::strong_actor_ptr& who) {
                      result = {std::move(kind), std::move(who)};
                    })
      .map([&] { return std::move(result); });
  }

  answer<field_value> send(const caf::strong_actor_ptr& whom,
                           const message_form& form, const caf::message& what) {
    auto reply = asker_.exchange(whom, peer_.timeout, what);
    if (!reply)
      return tl::unexpected{explain(reply.error(), peer_.timeout)};
    // Any answer is accepted here; the form checks its type.
    auto result = form.codec->read(*reply);
    if (!result)
      return tl::unexpected{failure{failed, std::move(result.error())}};
    return std::move(*result);
  }

  template <class Reply, class Request>
  answer<Reply> ask_region(const std::string& name, const Request& what) {
    auto region = ask<region_actor>(find_region_request{name});
    if (!region)
      return tl::unexpected{std::move(region.error())};
    return request<Reply>(*region, what, peer_.timeout);
  }

private:
  template <class Reply, class Handle, class Request>
  answer<Reply> request(const Handle& whom, const Request& what,
                        std::chrono::milliseconds timeout) {
    if constexpr (std::is_void_v<Reply>) {
      return exchange(whom, timeout, what, [] {});
    } else {
      Reply result;
      return exchange(whom, timeout, what,
                      [&](Reply& x) { result = std::move(x); })
        .map([&] { return std::move(result); });
    }
  }

  /// Sends `what` and calls `on_reply` with the answer.
  template <class Handle, class Request, class F>
  answer<void> exchange(const Handle& whom, std::chrono::milliseconds timeout,
                        const Request& what, F on_reply) {
    return asker_.exchange(whom, timeout, what, std::move(on_reply))
      .map_error([&](const no_answer& x) { return explain(x, timeout); });
  }

  [[nodiscard]] failure explain(const no_answer& x,
                                std::chrono::milliseconds timeout) const {
    switch (x.why) {
      case no_answer::reason::lost:
        return lost();
      case no_answer::reason::late:
        return {
          failed,
          {errc::timeout, "no answer within " + duration_text(timeout)
                            + "; the server may still execute the request"}};
      case no_answer::reason::refused:
        break;
    }
    return {failed, x.text};
  }

  [[nodiscard]] failure lost() const {
    return {
      not_connected,
      {errc::system_error,
       "the connection to " + address_
         + " was lost before the server answered; the request may or may not "
           "have been executed"}};
  }

  const endpoint peer_;
  const connected_function connected_;
  asker asker_;
  supervisor_actor supervisor_;
  std::string address_; ///< The address of the last connect.
};

connection::connection(endpoint peer, connected_function connected)
  : link_(std::make_unique<link>(std::move(peer), std::move(connected))) {
  // nop
}

connection::~connection() = default;

answer<void> connection::open() {
  return link_->open();
}

bool connection::is_open() const {
  return link_->is_open();
}

answer<actor_list> connection::ask(const list_actors_request& what) {
  return link_->ask<actor_list>(what);
}

answer<runtime_stat> connection::ask(const runtime_stat_request& what) {
  return link_->ask<runtime_stat>(what);
}

answer<void> connection::ask(const kill_request& what) {
  return link_->ask<void>(what);
}

answer<void> connection::ask(const restart_request& what) {
  return link_->ask<void>(what);
}

answer<region_info> connection::ask(const region_info_request& what) {
  return link_->ask<region_info>(what);
}

answer<load_list> connection::ask(const list_loads_request& what) {
  return link_->ask<load_list>(what);
}

answer<breaker_list> connection::ask(const list_breakers_request& what) {
  return link_->ask<breaker_list>(what);
}

answer<void> connection::ask(const cancel_load_request& what) {
  return link_->ask<void>(what);
}

answer<node_list> connection::ask(const list_nodes_request& what) {
  return link_->ask<node_list>(what);
}

answer<metric_list> connection::ask(const list_metrics_request& what) {
  return link_->ask<metric_list>(what);
}

answer<drain_report> connection::ask(const drain_request& what) {
  return link_->ask<drain_report>(what, what.deadline);
}

answer<std::string> connection::kind_of(const std::string& actor) {
  return link_->find_actor(actor).map(
    [](found_actor&& x) { return std::move(x.kind); });
}

answer<field_value> connection::send(const std::string& actor,
                                     const message_form& what,
                                     const std::vector<std::string>& words) {
  auto message = what.codec->make(words);
  if (!message)
    return tl::unexpected{failure{wrong_usage, std::move(message.error())}};
  auto found = link_->find_actor(actor);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return link_->send(found->who, what, *message);
}

answer<void> connection::find(const std::string& region) {
  return link_->ask<region_actor>(find_region_request{region})
    .map([](const region_actor&) {});
}

answer<get_reply> connection::ask(const std::string& region,
                                  const get_request& what) {
  return link_->ask_region<get_reply>(region, what);
}

answer<ttl_reply> connection::ask(const std::string& region,
                                  const ttl_request& what) {
  return link_->ask_region<ttl_reply>(region, what);
}

answer<bool> connection::ask(const std::string& region,
                             const set_request& what) {
  return link_->ask_region<bool>(region, what);
}

answer<bool> connection::ask(const std::string& region,
                             const erase_request& what) {
  return link_->ask_region<bool>(region, what);
}

answer<void> connection::ask(const std::string& region,
                             const clear_request& what) {
  return link_->ask_region<void>(region, what);
}

answer<void> connection::ask(const std::string& region,
                             const invalidate_tag_request& what) {
  return link_->ask_region<void>(region, what);
}

answer<explained_key> connection::ask(const std::string& region,
                                      const explain_request& what) {
  return link_->ask_region<explained_key>(region, what);
}

} // namespace troupe::console
