#include <apps/bench/trace/unpacker.hpp>

#ifdef TROUPE_BENCH_HAS_LZMA
#  include <array>
#  include <cstdint>

#  include <lzma.h>
#endif

namespace troupe::bench {

bool unpacker::recognises(std::string_view data) noexcept {
  using namespace std::string_view_literals;
  return data.starts_with("\xfd"
                          "7zXZ\0"sv);
}

#ifdef TROUPE_BENCH_HAS_LZMA

namespace {

/// xz itself never needs more than 65 MiB to unpack what its presets packed.
constexpr std::uint64_t memory_limit = 256ULL << 20U;

std::string explained(lzma_ret code) {
  switch (code) {
    case LZMA_MEM_ERROR:
      return "not enough memory to unpack it";
    case LZMA_MEMLIMIT_ERROR:
      return "unpacking it takes more than 256 MiB of memory";
    case LZMA_OPTIONS_ERROR:
      return "it was compressed with options that liblzma does not know";
    case LZMA_BUF_ERROR:
      return "the compressed data ends too early";
    default:
      return "the compressed data is damaged";
  }
}

class xz_unpacker final : public unpacker {
public:
  xz_unpacker() = default;

  xz_unpacker(const xz_unpacker&) = delete;
  xz_unpacker& operator=(const xz_unpacker&) = delete;

  ~xz_unpacker() override {
    ::lzma_end(&stream_);
  }

  lzma_ret start() {
    return ::lzma_stream_decoder(&stream_, memory_limit, LZMA_CONCATENATED);
  }

  expected<void> feed(std::string_view data, const sink& take) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(data.data());
    stream_.avail_in = data.size();
    while (stream_.avail_in > 0)
      if (auto ok = step(LZMA_RUN, take); !ok)
        return ok;
    return {};
  }

  expected<void> finish(const sink& take) override {
    while (!ended_)
      if (auto ok = step(LZMA_FINISH, take); !ok)
        return ok;
    return {};
  }

private:
  expected<void> step(lzma_action action, const sink& take) {
    std::array<std::uint8_t, 1 << 16> out;
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    auto code = ::lzma_code(&stream_, action);
    // What was unpacked before the damage may have an error of its own, in an
    // earlier place.
    auto taken = take({reinterpret_cast<const char*>(out.data()),
                       out.size() - stream_.avail_out});
    if (!taken)
      return taken;
    ended_ = code == LZMA_STREAM_END;
    if (code != LZMA_OK && !ended_)
      return fail(code == LZMA_MEM_ERROR ? errc::out_of_memory
                                         : errc::invalid_argument,
                  explained(code));
    return {};
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

} // namespace

expected<std::unique_ptr<unpacker>> unpacker::make() {
  auto result = std::make_unique<xz_unpacker>();
  if (auto code = result->start(); code != LZMA_OK)
    return fail(errc::out_of_memory, explained(code));
  return result;
}

#else // TROUPE_BENCH_HAS_LZMA

expected<std::unique_ptr<unpacker>> unpacker::make() {
  return fail(errc::invalid_argument,
              "it is compressed, and this program was built without liblzma "
              "(Debian: liblzma-dev); decompress it first with xz -dk");
}

#endif // TROUPE_BENCH_HAS_LZMA

} // namespace troupe::bench
