#include <apps/bench/net/constants.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <system_error>
#include <unordered_map>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

constexpr std::size_t buffer_size = 1 << 16;

error last_failure(const std::string& what) {
  return {errc::system_error,
          what + ": " + std::generic_category().message(errno)};
}

/// An answer as often as it fits into a buffer, but once at least: any number
/// of answers is sent as pieces of it.
struct answer_block {
  std::size_t length; ///< Of one answer.
  std::string bytes;
};

answer_block repeated(const std::string& answer) {
  answer_block result{answer.size(), answer};
  while (result.bytes.size() + answer.size() <= buffer_size)
    result.bytes += answer;
  return result;
}

class client {
public:
  explicit client(int socket) noexcept : socket_(socket) {
    // nop
  }

  ~client() {
    ::close(socket_);
  }

  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Reads once and notes what is owed. False: the client is gone.
  template <class FindAnswer>
  bool receive(std::array<char, buffer_size>& buffer, FindAnswer find) {
    auto n = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (n <= 0)
      return n < 0 && (errno == EAGAIN || errno == EINTR);
    std::string_view data{buffer.data(), static_cast<std::size_t>(n)};
    auto asked = count_requests(data);
    if (answer_ == nullptr) {
      head_ += data.substr(0, telling_bytes);
      asked_early_ += asked;
      if (head_.size() < telling_bytes)
        return true;
      answer_ = find(head_);
      asked = asked_early_;
    }
    owed_ += asked * answer_->length;
    return true;
  }

  /// Sends what is owed, or as much as the client takes. False: it is gone.
  bool send() {
    while (owed_ > 0) {
      auto size = std::min(owed_, answer_->bytes.size() - at_);
      auto n = ::send(socket_, answer_->bytes.data() + at_, size, MSG_NOSIGNAL);
      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      owed_ -= static_cast<std::size_t>(n);
      at_ = (at_ + static_cast<std::size_t>(n)) % answer_->length;
    }
    return true;
  }

  [[nodiscard]] int socket() const noexcept {
    return socket_;
  }

  /// Who owes is not asked for more.
  [[nodiscard]] std::uint32_t waits_for() const noexcept {
    return owed_ > 0 ? EPOLLOUT : EPOLLIN;
  }

  std::uint32_t watched = EPOLLIN; ///< What the kernel was told to look for.

private:
  int socket_;
  const answer_block* answer_ = nullptr;
  std::size_t owed_ = 0;        ///< Bytes of answers to send.
  std::size_t at_ = 0;          ///< Bytes sent of the next answer.
  std::size_t asked_early_ = 0; ///< Requests before the answer was known.
  std::string head_;
};

class server {
public:
  explicit server(std::size_t value_size) : value_size_(value_size) {
    // nop
  }

  ~server() {
    for (auto x : {listener_, poll_})
      if (x >= 0)
        ::close(x);
  }

  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// The port, or 0.
  std::uint16_t listen() {
    listener_
      = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto ok
      = listener_ >= 0 && poll_ >= 0
        && ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0
        && ::listen(listener_, SOMAXCONN) == 0
        && ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address),
                         &size)
             == 0
        && watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    return ok ? ntohs(address.sin_port) : std::uint16_t{0};
  }

  /// Handles what happens next. False: the system refuses.
  bool step() {
    std::array<epoll_event, 64> events;
    auto n
      = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
    if (n < 0)
      return errno == EINTR;
    for (int i = 0; i < n; ++i) {
      auto socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener_) {
        if (!accept())
          return false;
      } else if (auto x = clients_.find(socket); !serve(*x->second)) {
        clients_.erase(x);
      }
    }
    return true;
  }

private:
  bool watch(int operation, int socket, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = socket;
    return ::epoll_ctl(poll_, operation, socket, &event) == 0;
  }

  /// False: the system has no room for another client.
  bool accept() {
    auto socket
      = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0)
      return errno != EMFILE && errno != ENFILE && errno != ENOBUFS
             && errno != ENOMEM;
    int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    auto& place = clients_[socket] = std::make_unique<client>(socket);
    if (!watch(EPOLL_CTL_ADD, place->socket(), EPOLLIN))
      clients_.erase(socket);
    return true;
  }

  bool serve(client& x) {
    auto find = [this](std::string_view head) { return answer(head); };
    if (x.waits_for() == EPOLLIN && !x.receive(buffer_, find))
      return false;
    if (!x.send())
      return false;
    if (x.watched == x.waits_for())
      return true;
    x.watched = x.waits_for();
    return watch(EPOLL_CTL_MOD, x.socket(), x.watched);
  }

  const answer_block* answer(std::string_view head) {
    auto text = constant_answer(head, value_size_);
    // A map, so that what was handed out stays where it is.
    return &answers_.try_emplace(text, repeated(text)).first->second;
  }

  std::size_t value_size_;
  int listener_ = -1;
  int poll_ = -1;
  std::map<std::string, answer_block> answers_;
  std::unordered_map<int, std::unique_ptr<client>> clients_;
  std::array<char, buffer_size> buffer_;
};

} // namespace

std::string constant_answer(std::string_view head, std::size_t value_size) {
  // "*2\r\n$3\r\nGET": the letter behind two lines of two characters. That of
  // MSET, with more arguments, comes later, but its answer is everybody's.
  switch (head.size() < telling_bytes ? '\0' : head[telling_bytes - 1]) {
    case 'G':
      return "$" + std::to_string(value_size) + "\r\n"
             + std::string(value_size, 'x') + "\r\n";
    case 'I':
      return ":1\r\n";
    case 'C':
      return "*2\r\n$4\r\nsave\r\n$0\r\n\r\n";
    default:
      return "+OK\r\n";
  }
}

std::size_t count_requests(std::string_view data) noexcept {
  return static_cast<std::size_t>(std::count(data.begin(), data.end(), '*'));
}

error serve_constants(std::size_t value_size,
                      const std::function<void(std::uint16_t)>& ready) {
  auto all = std::make_unique<server>(value_size);
  auto port = all->listen();
  if (port == 0)
    return last_failure("cannot listen");
  ready(port);
  while (all->step()) {
    // nop
  }
  return last_failure("cannot serve on");
}

} // namespace troupe::bench
