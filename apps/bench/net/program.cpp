#include <apps/bench/net/program.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace troupe::bench {

namespace {

/// How long a server may take until it is ready. The machine may be busy.
constexpr std::chrono::seconds start_patience{120};
constexpr std::chrono::milliseconds look_again{5};

/// How long any other program may take.
constexpr std::chrono::minutes run_patience{30};

/// How often a server is given another port.
constexpr int most_ports = 20;

/// Starts a program that reads from `input`, -1 for nothing; its output goes to
/// `output`.
pid_t start(std::vector<std::string>& command, int input, int output) {
  std::vector<char*> words;
  for (auto& x : command)
    words.push_back(x.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (input >= 0)
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  pid_t result = 0;
  auto failure
    = ::posix_spawnp(&result, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0)
    throw std::runtime_error("cannot start " + command[0] + ": "
                             + std::generic_category().message(failure));
  return result;
}

sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

/// A port on which no program listens at this moment.
std::uint16_t free_port() {
  auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof(address);
  auto bound
    = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0
      && ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size)
           == 0;
  ::close(socket);
  if (!bound)
    throw std::runtime_error("no free port on the loopback interface");
  return ntohs(address.sin_port);
}

/// The output or input of a program. Unlike a pipe, a file never fills up, and neither
/// side waits for the other.
class scratch_file {
public:
  scratch_file() : file_(std::tmpfile()) {
    if (file_ == nullptr)
      throw std::runtime_error("cannot create a temporary file");
    ::fcntl(descriptor(), F_SETFD, FD_CLOEXEC);
  }

  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  ~scratch_file() {
    std::fclose(file_);
  }

  [[nodiscard]] int descriptor() const noexcept {
    return ::fileno(file_);
  }

  /// Puts `text` in, to be read from its start.
  void fill(std::string_view text) {
    if (text.empty())
      return;
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()
        || std::fflush(file_) != 0 || ::lseek(descriptor(), 0, SEEK_SET) != 0)
      throw std::runtime_error("cannot write to a temporary file");
  }

  /// All that has been printed so far.
  [[nodiscard]] std::string text() const {
    std::string result;
    std::array<char, 4096> buffer;
    for (ssize_t n = 0; (n = ::pread(descriptor(), buffer.data(), buffer.size(),
                                     static_cast<off_t>(result.size())))
                        > 0;)
      result.append(buffer.data(), static_cast<std::size_t>(n));
    return result;
  }

private:
  std::FILE* file_;
};

} // namespace

server_program::server_program(std::vector<std::string> command,
                               const std::regex& ready, std::uint16_t port)
  : port_(port) {
  const auto name = command[0];
  // A bench that is killed must not leave servers behind: they would keep its standard
  // error open, and its reader would wait for ever.
  command.insert(command.begin(), {"setpriv", "--pdeathsig", "KILL"});
  scratch_file output;
  process_ = start(command, -1, output.descriptor());
  const auto until = std::chrono::steady_clock::now() + start_patience;
  for (;;) {
    const auto ended = ::waitpid(process_, nullptr, WNOHANG) != 0;
    const auto text = output.text();
    std::smatch found;
    if (!ended && std::regex_search(text, found, ready)) {
      if (port == 0)
        port_ = static_cast<std::uint16_t>(std::stoul(found[1]));
      return;
    }
    if (ended && text.find("in use") != text.npos)
      throw port_taken(name + ": " + text);
    if (ended || std::chrono::steady_clock::now() > until) {
      if (!ended) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
      }
      throw std::runtime_error(name + " does not serve:\n" + text);
    }
    std::this_thread::sleep_for(look_again);
  }
}

server_program::~server_program() {
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

double server_program::cpu_seconds() const {
  std::ifstream file{"/proc/" + std::to_string(process_) + "/stat"};
  std::string text;
  std::getline(file, text);
  // Behind the name, which may hold anything: field 3 and on.
  std::istringstream fields{text.substr(text.rfind(')') + 2)};
  std::string skipped;
  for (int i = 3; i < 14; ++i)
    fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t server_program::resident_bytes() const {
  std::ifstream file{"/proc/" + std::to_string(process_) + "/statm"};
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::unique_ptr<server_program> start_troupe(std::vector<std::string> command) {
  command.insert(command.end(), {"--no-console", "--port=0"});
  return std::make_unique<server_program>(
    std::move(command), std::regex{" ready on \\S+:(\\d+) "}, std::uint16_t{0});
}

// redis-server cannot choose a port itself, and another program may take it first.
std::unique_ptr<server_program> start_redis(std::vector<std::string> command) {
  for (int i = 1;; ++i) {
    const auto port = free_port();
    auto whole = command;
    whole.insert(whole.end(),
                 {"--port", std::to_string(port), "--bind", "127.0.0.1",
                  "--save", "", "--appendonly", "no"});
    try {
      return std::make_unique<server_program>(
        std::move(whole), std::regex{"eady to accept connections"}, port);
    } catch (const port_taken&) {
      if (i == most_ports)
        throw;
    }
  }
}

std::string output_of(std::vector<std::string> command,
                      std::string_view input) {
  scratch_file in;
  scratch_file out;
  in.fill(input);
  const auto process = start(command, in.descriptor(), out.descriptor());
  const auto until = std::chrono::steady_clock::now() + run_patience;
  int status = 0;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, 0);
      throw std::runtime_error(command[0] + " did not end in time");
    }
    std::this_thread::sleep_for(look_again);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(command[0] + " failed");
  return out.text();
}

} // namespace troupe::bench
