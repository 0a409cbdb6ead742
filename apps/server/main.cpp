// troupe-server: Troupe for any Redis client.

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <troupe/actors/runtime.hpp>
#include <troupe/actors/version.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/net/listening.hpp"
#include "apps/server/resp_server.hpp"
#include "apps/server/server_config.hpp"
#include "apps/server/state/defaults.hpp"

namespace {

using std::chrono::milliseconds;
using troupe::errc;
using troupe::error;
using troupe::server::resp_server;
using troupe::server::serve_options;
using troupe::server::server_config;
using troupe::server::server_settings;
namespace defaults = troupe::server::defaults;

/// Exit code for options that make no sense, as usual for commands.
constexpr int exit_usage = 2;

/// Bytes from which on an allocation is mapped on its own.
constexpr int large_allocation = 512 * 1024;

/// How often the program looks whether the console has drained the runtime.
constexpr milliseconds drain_poll{250};

void report_line(std::string_view text) {
  std::cerr << "troupe-server: " + std::string{text} + '\n';
}

int complain(const error& why, int code) {
  std::cerr << "troupe-server: " << why.text() << '\n';
  if (code == exit_usage)
    std::cerr << "troupe-server: --help shows all options\n";
  return code;
}

/// The signals that the program waits for, blocked in this thread and all it
/// starts.
class awaited_signals {
public:
  awaited_signals() noexcept {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }

  /// The signal that came within `timeout`, or 0.
  [[nodiscard]] int wait(milliseconds timeout) const noexcept {
    const timespec time{timeout.count() / 1000,
                        timeout.count() % 1000 * 1'000'000};
    return std::max(sigtimedwait(&set_, nullptr, &time), 0);
  }

  /// From now on SIGINT and SIGTERM end the program at once. SIGHUP, which asks for
  /// certificates to be read anew, stays blocked: it must not end a drain.
  void release() const noexcept {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  }

private:
  sigset_t set_{};
};

/// Asks the system for as many descriptors as `serve` needs and settles for
/// fewer connections when it does not get them.
void reserve_descriptors(serve_options& serve) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  const auto reserved = defaults::reserved_descriptors(serve.threads);
  const rlim_t wanted = serve.max_connections + reserved;
  if (limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted)
    return;
  serve.max_connections
    = std::max<rlim_t>(limit.rlim_cur, reserved + 1) - reserved;
  std::cerr << "troupe-server: this system allows " << limit.rlim_cur
            << " open files, so --max-connections is lowered to "
            << serve.max_connections << '\n';
}

/// "127.0.0.1:6380", "[::1]:6380".
std::string endpoint(const std::string& address, std::uint16_t port) {
  const auto is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

error console_failure(const error& why, const std::string& address,
                      std::uint16_t port) {
  // A look at the port says why in the words of the ports of clients.
  if (auto problem
      = troupe::net::listen_problem(address, port, "--console-port"))
    return {problem->code(), problem->text() + ", or none with --no-console"};
  return {why.code(), "cannot open port " + std::to_string(port)
                        + " for the console (" + why.text()
                        + "); choose another with --console-port=N (0: any "
                          "free port) or none with --no-console"};
}

/// The time as in "2026-11-29T09:05:03.042Z".
std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const auto since
    = std::chrono::floor<milliseconds>(now.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(since / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ",
                static_cast<int>(since % 1000));
  return text.data();
}

/// What happens by itself while the server runs, with the time.
void report_event(std::string_view line) {
  report_line(time_text().append(" ").append(line));
}

error console_failure(const error& why) {
  return {why.code(),
          "no Unix socket for the console: " + why.text()
            + "; choose another with --console-socket=PATH, or none "
              "with --no-console"};
}

/// What the console's socket is called: the port of clients or, when there is none, as
/// that would not tell two servers apart, the process.
std::string console_name(const serve_options& used) {
  const auto port = used.plain ? used.port : used.tls.port.value_or(0);
  return port != 0 ? std::to_string(port) : "pid-" + std::to_string(getpid());
}

/// Opens what troupe-console may come in by, and says where that is: "", or
/// "; console on /run/user/1000/troupe/6380.sock, 127.0.0.1:6381".
troupe::expected<std::string> open_console(troupe::runtime& rt,
                                           const server_settings& settings,
                                           const serve_options& used) {
  const auto& wanted = settings.console;
  if (!wanted.is_open)
    return std::string{};
  std::string where;
  auto socket = wanted.socket.empty()
                  ? troupe::default_console_socket(console_name(used))
                      .and_then([&](auto x) { return rt.publish(x); })
                  : rt.publish(troupe::console_socket{wanted.socket});
  if (socket)
    where = *socket;
  else if (!wanted.socket.empty())
    return tl::unexpected{console_failure(socket.error())};
  else
    // It was not asked for: another's file in its way shall not stop a server.
    report_line("goes on without the console: "
                + console_failure(socket.error()).text());
  if (wanted.port) {
    // What is said there is not encrypted, so it stays on this machine.
    const auto first = troupe::net::parse_bind(used.bind)->front().where;
    const auto address = first.is_loopback() ? first.to_string() : "127.0.0.1";
    const auto port = rt.publish(
      troupe::console_port{*wanted.port, address, wanted.password});
    if (!port)
      return tl::unexpected{
        console_failure(port.error(), address, *wanted.port)};
    where += (where.empty() ? "" : ", ") + endpoint(address, *port);
  }
  return where.empty() ? where : "; console on " + where;
}

/// Says how the end went.
void report(const troupe::drain_report& drained) {
  if (drained.clients_cut > 0)
    std::cout << "troupe-server: cut off " << drained.clients_cut
              << " connections whose clients did not take their replies, or "
                 "waited for an answer\n";
  for (const auto& name : drained.stuck)
    std::cout << "troupe-server: stuck at the deadline: " << name << '\n';
  std::cout << "troupe-server: stopped" << std::endl;
}

/// Where else than at the first address it listens.
std::string more_endpoints(const serve_options& options,
                           const std::vector<std::string>& addresses) {
  std::string result;
  for (std::size_t i = 1; i < addresses.size(); ++i) {
    if (options.plain)
      result += "; also on " + endpoint(addresses[i], options.port);
    if (options.tls.port)
      result += "; TLS also on " + endpoint(addresses[i], *options.tls.port);
  }
  if (!options.unix_socket.empty())
    result += "; Unix socket " + options.unix_socket;
  return result;
}

/// The line that tells where the server is to be found.
void announce(const resp_server& server, const std::string& console) {
  const auto& options = server.state().options;
  std::vector<std::string> addresses;
  const auto listening = troupe::net::parse_bind(options.bind).value();
  for (const auto& x : listening)
    addresses.push_back(x.where.to_string());
  std::cout << "troupe-server " << troupe::version << " ready";
  if (options.plain)
    std::cout << " on " << endpoint(addresses.front(), options.port);
  std::cout << " (pid " << getpid() << ", "
            << server.state().databases[0].provider().part_count()
            << " shards)";
  if (options.tls.port)
    std::cout << "; TLS on " << endpoint(addresses.front(), *options.tls.port);
  std::cout << console << more_endpoints(options, addresses) << std::endl;
}

/// SIGHUP: what can be read anew is.
void reload(resp_server& server) {
  if (!server.state().options.tls.port) {
    std::cout << "troupe-server: without TLS there is nothing to read anew"
              << std::endl;
    return;
  }
  if (const auto done = server.reload_certificates(); !done)
    std::cerr << "troupe-server: the certificate stays as it was: "
              << done.error().text() << std::endl;
  else
    std::cout << "troupe-server: read the certificate anew" << std::endl;
}

/// Returns when the program is to end.
void watch(resp_server& server, const troupe::runtime& rt,
           const awaited_signals& signals) {
  for (;;) {
    const auto came = signals.wait(
      server.has_leases() ? troupe::server::defaults::lease_tick : drain_poll);
    server.tidy();
    if (came == SIGHUP)
      reload(server);
    else if (came != 0 || rt.draining() || server.state().shutdown_asked)
      return;
  }
}

int serve(server_config& cfg, const server_settings& settings,
          const awaited_signals& signals) {
  caf::actor_system system{cfg};
  auto runtime = troupe::read_options(cfg);
  if (!runtime)
    return complain(runtime.error(), exit_usage);
  runtime->report = report_event;
  troupe::runtime rt{system, *runtime};
  // Without it, the runtime's own option counts.
  if (settings.max_memory != 0)
    if (const auto limited = rt.set_max_bytes(settings.max_memory); !limited)
      return complain(limited.error(), exit_usage);
  auto options = settings.serve;
  options.may_shut_down = true;
  options.report = report_event;
  options.metrics = rt.metrics();
  options.memory.limit = [&rt] { return rt.max_bytes(); };
  options.memory.set_limit
    = [&rt](std::size_t bytes) { return rt.set_max_bytes(bytes); };
  options.memory.check_limit
    = [&rt](std::size_t bytes) -> troupe::expected<void> {
    if (rt.draining())
      return troupe::fail(errc::shutting_down, "the runtime drains");
    return rt.check_max_bytes(bytes);
  };
  const auto open = [&](std::size_t index) {
    auto region = settings.region;
    // Limits that are told once hold once.
    if (index == 0)
      region.namespaces = options.namespaces;
    return rt.open_region("db" + std::to_string(index), region);
  };
  resp_server server{open, rt.topics().hub(), options};
  if (const auto started = server.start(); !started)
    return complain(started.error(), started.error() == errc::invalid_argument
                                       ? exit_usage
                                       : EXIT_FAILURE);
  // However the drain begins, its deadline and its report are those of the clients.
  const auto clients = rt.end_clients_first([&](milliseconds left) {
    const auto served
      = server.state().threads.sum(&troupe::server::thread_counters::connected);
    return troupe::runtime::ended_clients{static_cast<std::uint64_t>(served),
                                          server.stop(left)};
  });
  const auto console = open_console(rt, settings, server.state().options);
  if (!console)
    return complain(console.error(), EXIT_FAILURE);
  announce(server, *console);
  watch(server, rt, signals);
  signals.release();
  std::cout << "troupe-server: stopping" << std::endl;
  // A millisecond at least: zero would ask for the runtime's own deadline. A drain
  // that the console has begun goes on, with its own deadline.
  report(rt.drain(std::max(settings.drain_timeout, milliseconds{1})));
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  // What a large request took goes back to the system with it. Left alone, glibc
  // would learn from the first one to keep such memory.
  mallopt(M_MMAP_THRESHOLD, large_allocation);
  awaited_signals signals;
  server_config cfg;
  if (const auto parsed = cfg.parse(argc, argv); !parsed)
    return complain(parsed.error(), exit_usage);
  if (cfg.cli_helptext_printed)
    return EXIT_SUCCESS;
  if (cfg.asks_for_version()) {
    std::cout << "troupe-server " << troupe::version << '\n';
    return EXIT_SUCCESS;
  }
  if (cfg.asks_for_tables()) {
    std::cout << cfg.tables();
    return EXIT_SUCCESS;
  }
  auto settings = cfg.settings();
  if (!settings)
    return complain(settings.error(), exit_usage);
  if (settings->console.is_open)
    cfg.enable_remote();
  settings->serve.version = troupe::version;
  // CAF tells the name it would look for, whether there is one or not.
  if (access(cfg.config_file_path.c_str(), F_OK) == 0)
    settings->serve.config_file = cfg.config_file_path;
  reserve_descriptors(settings->serve);
  for (const auto& note : settings->notes)
    report_line(note);
  try {
    return serve(cfg, *settings, signals);
  } catch (const std::exception& failure) {
    return complain({errc::system_error, failure.what()}, EXIT_FAILURE);
  }
}
