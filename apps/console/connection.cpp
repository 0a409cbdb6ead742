#include "apps/console/connection.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/catch_all.hpp>
#include <caf/make_message.hpp>
#include <caf/message_view.hpp>
#include <caf/others.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>

#include <troupe/actors/gate/remote.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/caf/type_ids.hpp>

#include "apps/console/units.hpp"

namespace troupe::console {

namespace {

/// Of a server on the default port.
constexpr std::string_view default_socket_name = "/6380.sock";

class console_config : public caf::actor_system_config {
public:
  console_config() {
    troupe::add_message_types(*this);
    load<caf::io::middleman>();
    set("scheduler.max-threads", 1);
  }
};

/// Why there is no connection.
failure no_server(const console_address& where, const error& why) {
  const bool refused = why == errc::invalid_argument;
  const auto hint
    = refused
        ? std::string{"; the password stands in TROUPE_CONSOLE_PASSWORD or in "
                      "--password-file, here as for the server"}
        : std::string{"; start one with ./apps/run, or name its console's "
                      "address, which it prints, with --socket, or with --host "
                      "and --port"};
  return {not_connected,
          {errc::system_error,
           (refused ? "not let in on "
                    : "no troupe server "
                      "answers on ")
             + to_string(where) + " (" + why.text() + ")"
             + (refused && std::holds_alternative<console_socket>(where)
                  ? std::string{}
                  : hint)}};
}

/// Whether the peer is there. Answers the request under way when it goes, which
/// CAF would leave to the timeout.
class lifeline {
public:
  /// Tells about the request under way; false when the peer is gone already.
  bool begin(const caf::scoped_actor& asking, caf::message_id response) {
    std::lock_guard guard{mutex_};
    if (cut_)
      return false;
    waiting_.emplace(caf::actor_cast<caf::strong_actor_ptr>(asking), response);
    return true;
  }

  void end() {
    std::lock_guard guard{mutex_};
    waiting_.reset();
  }

  void cut() {
    std::lock_guard guard{mutex_};
    cut_ = true;
    if (waiting_)
      waiting_->first->enqueue(
        nullptr, waiting_->second,
        caf::make_message(caf::make_error(caf::sec::request_receiver_down)),
        nullptr);
  }

  [[nodiscard]] bool is_cut() const {
    std::lock_guard guard{mutex_};
    return cut_;
  }

private:
  mutable std::mutex mutex_;
  bool cut_ = false;
  std::optional<std::pair<caf::strong_actor_ptr, caf::message_id>> waiting_;
};

/// What `find_actor_request` is answered with.
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
                "./apps/run, or name its console's address, which it prints, "
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
              "several programs with a console run here; name one with "
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
    return lifeline_ != nullptr && !lifeline_->is_cut();
  }

  answer<void> open() {
    if (is_open())
      return {};
    supervisor_ = supervisor_actor{};
    auto where
      = peer_.where ? expected<console_address>{*peer_.where} : only_server();
    if (!where)
      return tl::unexpected{failure{not_connected, std::move(where.error())}};
    auto found = connect(system_, *where, peer_.timeout);
    if (!found)
      return tl::unexpected{no_server(*where, found.error())};
    supervisor_ = std::move(*found);
    address_ = to_string(*where);
    lifeline_ = std::make_shared<lifeline>();
    supervisor_->attach_functor([line = lifeline_] { line->cut(); });
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
    return exchange(
             supervisor_, peer_.timeout, find_actor_request{name},
             [&](std::string& kind, caf::strong_actor_ptr& who) {
               result = {std::move(kind), std::move(who)};
             })
      .map([&] { return std::move(result); });
  }

  answer<field_value> send(const caf::strong_actor_ptr& whom,
                           const message_form& form,
                           const caf::message& what) {
    expected<field_value> result;
    // Any answer is taken, and the form looks whether it is the right one.
    auto done
      = exchange(caf::actor_cast<caf::actor>(whom), peer_.timeout, what,
                 caf::others >> [&](caf::message_view& x) {
                   result = form.read(x.move_content_to_message());
                   return caf::result<caf::message>{caf::message{}};
                 });
    if (!done)
      return tl::unexpected{std::move(done.error())};
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

  /// Sends `what` and lets `on_reply` have the answer.
  template <class Handle, class Request, class F>
  answer<void> exchange(const Handle& whom, std::chrono::milliseconds timeout,
                        const Request& what, F on_reply) {
    answer<void> result;
    auto& self = asker();
    auto pending = self->request(whom, timeout, what);
    if (!lifeline_->begin(self, pending.id()))
      return tl::unexpected{lost()};
    bool late = false;
    auto on_error = [&](const caf::error& x) {
      late = x == caf::sec::request_timeout;
      result = tl::unexpected{explain(x, timeout)};
    };
    if constexpr (caf::is_catch_all<F>::value)
      pending.receive(on_error, std::move(on_reply));
    else
      pending.receive(std::move(on_reply), on_error);
    lifeline_->end();
    // An answer that still comes would stay in its mailbox.
    if (late)
      asker_.reset();
    return result;
  }

  /// Who asks: the same actor for as long as possible, since the server knows
  /// this console by it.
  caf::scoped_actor& asker() {
    if (!asker_)
      asker_.emplace(system_);
    return *asker_;
  }

  [[nodiscard]] failure explain(const caf::error& x,
                                std::chrono::milliseconds timeout) const {
    if (lifeline_->is_cut())
      return lost();
    if (x == caf::sec::request_timeout)
      return {failed,
              {errc::timeout, "no answer within " + duration_text(timeout)
                                + "; it may still come to pass"}};
    return {failed, from_caf(x)};
  }

  [[nodiscard]] failure lost() const {
    return {not_connected,
            {errc::system_error,
             "the server on " + address_
               + " went away before it answered; what was asked may or may not "
                 "have come to pass"}};
  }

  const endpoint peer_;
  const connected_function connected_;
  console_config config_;
  caf::actor_system system_{config_};
  std::optional<caf::scoped_actor> asker_;
  supervisor_actor supervisor_;
  std::string address_; ///< Where it was found.
  std::shared_ptr<lifeline> lifeline_;
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

answer<void> connection::ask(const cancel_load_request& what) {
  return link_->ask<void>(what);
}

answer<node_list> connection::ask(const list_nodes_request& what) {
  return link_->ask<node_list>(what);
}

answer<drain_report> connection::ask(const drain_request& what) {
  return link_->ask<drain_report>(what, what.deadline);
}

answer<std::string> connection::kind_of(const std::string& actor) {
  return link_->find_actor(actor).map(
    [](found_actor&& x) { return std::move(x.kind); });
}

answer<field_value>
connection::send(const std::string& actor, const message_form& what,
                 const std::vector<std::string>& words) {
  auto message = what.make(words);
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

} // namespace troupe::console
