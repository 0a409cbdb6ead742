#include "apps/server/resp_server.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <malloc.h>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/net/tls_context.hpp"
#include "apps/server/connections/acceptor.hpp"
#include "apps/server/leases/lease_desk.hpp"
#include "apps/server/options/settings_file.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/settings/output_limits.hpp"

namespace troupe::server {

resp_server::resp_server(databases::opener open,
                         std::shared_ptr<topic_hub> topics,
                         serve_options options)
  : open_([this, open = std::move(open)](std::size_t index) {
      auto opened = open(index);
      // It may have been changed since the options were read.
      if (opened)
        if (auto ok = (*opened)->set_eviction(state_.live.eviction); !ok)
          return decltype(opened){tl::unexpect, std::move(ok.error())};
      return opened;
    }) {
  state_.topics = std::move(topics);
  state_.options = std::move(options);
  state_.live.max_connections = state_.options.max_connections;
  state_.live.max_client_memory = state_.options.max_client_memory;
  state_.live.idle_timeout = state_.options.idle_timeout;
  state_.live.eviction = state_.options.eviction;
  state_.access.password(std::exchange(state_.options.password, {}));
  auto output = state_.live.output();
  const auto& pubsub = state_.options.pubsub;
  output[settings::pubsub_class]
    = {pubsub.bytes, pubsub.soft_bytes, pubsub.soft_time.count()};
  state_.live.output(output, pubsub.messages);
  state_.at_start = settings_of(state_);
}

resp_server::~resp_server() {
  stop(std::chrono::milliseconds{0});
}

expected<void> resp_server::start() {
  if (state_.options.tls.port) {
    auto context = net::tls_context::load(state_.options.tls);
    if (!context)
      return tl::unexpected{std::move(context.error())};
    state_.tls.install(state_.options.tls, std::move(*context));
    state_.options.tls.key_file_pass.clear();
  }
  if (auto shown = state_.show_metrics(); !shown)
    return shown;
  if (auto opened = state_.databases.start(state_.options.databases, open_);
      !opened)
    return opened;
  const auto threads = std::max<std::size_t>(state_.options.threads, 1);
  for (std::size_t i = 0; i < threads; ++i)
    workers_.push_back(
      std::make_unique<worker>(state_, state_.threads.emplace_back()));
  if (auto listening = listen(); !listening)
    return listening;
  if (auto started = start_threads(); !started)
    return started;
  for (auto& x : acceptors_)
    x->start();
  return {};
}

void resp_server::tidy() noexcept {
  state_.leases->tick();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_trim_
      || !state_.trim_wanted.exchange(false, std::memory_order_relaxed))
    return;
  ::malloc_trim(0);
  next_trim_ = now + defaults::trim_pause;
}

bool resp_server::has_leases() const noexcept {
  return !state_.leases->idle();
}

expected<void> resp_server::listen() {
  auto& options = state_.options;
  const auto add = [this](acceptor::kind what, unique_descriptor socket) {
    acceptors_.push_back(
      std::make_unique<acceptor>(workers_, state_, what, std::move(socket)));
  };
  auto where = net::parse_bind(options.bind);
  if (!where)
    return tl::unexpected{std::move(where.error())};
  const auto open = [&](acceptor::kind what, std::uint16_t& port) {
    auto opened = net::listen_tcp(
      *where, port, what == acceptor::kind::tls ? "--tls-port" : "--port");
    return std::move(opened).map([&](std::vector<unique_descriptor>&& all) {
      for (auto& x : all)
        add(what, std::move(x));
    });
  };
  if (options.plain || options.tls.port)
    if (auto ok
        = net::check_bind(options.bind, state_.access.required()
                                          || options.wants_certificates());
        !ok)
      return ok;
  if (options.plain)
    if (auto opened = open(acceptor::kind::plain, options.port); !opened)
      return opened;
  if (options.tls.port)
    if (auto opened = open(acceptor::kind::tls, *options.tls.port); !opened)
      return opened;
  if (options.plain || options.tls.port)
    options.bind = text_of(*where);
  if (options.unix_socket.empty())
    return {};
  auto local
    = net::local_socket::listen(options.unix_socket, options.unix_socket_mode);
  if (!local)
    return tl::unexpected{std::move(local.error())};
  local_.emplace(std::move(*local));
  add(acceptor::kind::plain, local_->take());
  return {};
}

expected<void> resp_server::start_threads() {
  try {
    for (auto& x : workers_) {
      std::lock_guard lock{mutex_};
      threads_.emplace_back([this, &x] { run(*x); });
      ++running_;
    }
  } catch (const std::system_error& failure) {
    return fail(errc::system_error,
                std::string{"cannot start a thread: "} + failure.what());
  }
  return {};
}

void resp_server::run(worker& which) {
  which.run();
  std::lock_guard lock{mutex_};
  --running_;
  changed_.notify_all();
}

std::size_t resp_server::stop(std::chrono::milliseconds deadline) {
  if (threads_.empty())
    return 0;
  for (auto& x : acceptors_)
    x->stop();
  if (local_)
    local_->remove();
  for (auto& x : workers_)
    x->drain();
  {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, deadline, [this] { return running_ == 0; });
  }
  report_waiting();
  std::size_t cut_off = 0;
  for (auto& x : workers_) {
    cut_off += x->load();
    x->abort();
  }
  for (auto& x : threads_)
    x.join();
  threads_.clear();
  return cut_off;
}

// Those with a command that waits for its answer, which the end of the server cuts off.
void resp_server::report_waiting() const {
  // More do not help a person to find what never answered.
  constexpr std::size_t most_named = 16;
  if (!state_.options.report)
    return;
  std::vector<std::string> lines;
  std::size_t more = 0;
  state_.clients.for_each_waiting([&](const client_record& x) {
    if (lines.size() == most_named) {
      ++more;
      return;
    }
    const auto* const command = x.last_command.load();
    lines.push_back("cut off client " + std::to_string(x.id) + " (" + x.address
                    + "), which waited for an answer to "
                    + std::string{command != nullptr ? *command : "?"});
  });
  if (more > 0)
    lines.push_back("and " + std::to_string(more)
                    + " more clients that waited for an answer");
  for (const auto& line : lines)
    state_.options.report(line);
}

} // namespace troupe::server
