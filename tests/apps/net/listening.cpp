#include "apps/net/listening.hpp"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "catch.hpp"
#include "scratch_folder.hpp"

using namespace troupe;
using namespace troupe::net;

namespace {

unique_descriptor bind_to(const std::string& path, int kind) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  unique_descriptor result{::socket(AF_UNIX, kind, 0)};
  REQUIRE(::bind(result.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address))
          == 0);
  return result;
}

} // namespace

TEST_CASE("a socket of another kind that a program uses is not removed",
          "[server][listening]") {
  const scratch_folder folder;
  const auto path = folder.path + "/log";
  for (const auto kind : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    auto used = bind_to(path, kind);
    const auto refused = local_socket::listen(path, 0);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::system_error);
    CHECK(refused.error().text().find("cannot tell whether a program uses")
          == 0);
    CHECK(std::filesystem::is_socket(path));
    // That of a program that has crashed is replaced.
    used.close();
    CHECK(local_socket::listen(path, 0));
    CHECK(!std::filesystem::exists(path));
  }
}

TEST_CASE("a lock of a stranger keeps no server from its socket",
          "[server][listening]") {
  const scratch_folder folder;
  const unique_descriptor locked{
    ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(::flock(locked.get(), LOCK_EX) == 0);
  CHECK(local_socket::listen(folder.path + "/x.sock", 0));
}

TEST_CASE("of servers that start at once, one gets the socket",
          "[server][listening]") {
  const scratch_folder folder;
  const auto path = folder.path + "/x.sock";
  constexpr int servers = 4;
  for (int round = 0; round < 50; ++round) {
    // What a crash has left.
    bind_to(path, SOCK_STREAM).close();
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    std::atomic<int> listening{0};
    std::atomic<int> done{0};
    for (int i = 0; i < servers; ++i)
      threads.emplace_back([&] {
        ++ready;
        while (ready < servers)
          std::this_thread::yield();
        const auto got = local_socket::listen(path, 0);
        listening += got ? 1 : 0;
        // It is in use until all have looked.
        ++done;
        while (done < servers)
          std::this_thread::yield();
      });
    for (auto& x : threads)
      x.join();
    CHECK(listening == 1);
  }
}
