// `troupe-bench reclamation`: the cost of a read beside a writer that frees memory, and
// the cost of that writer's writes. The results decide which scheme the tables use. The
// objects fit into the second-level cache, so that the schemes dominate the figures.

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/reclamation/scheme.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/common/statistics.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

constexpr std::size_t most_threads = 256;
constexpr std::uint64_t largest_object = 1 << 20;

struct settings {
  common_options common;
  std::uint64_t objects = 1024;
  std::uint64_t reads = 5'000'000;
  std::uint64_t writes = 500'000;
  std::uint64_t rounds = 7;
  std::uint64_t pass_ms = 1'000;
  std::string readers = "1,2";
  std::string sizes = "64,1024";

  void declare(option_table& table) {
    table
      .add(objects, "objects",
           "number of slots with an object each, a power of two")
      .add(sizes, "sizes", "bytes per object")
      .add(reads, "reads", "reads per thread and pass")
      .add(writes, "writes", "writes per pass, when there are no readers")
      .add(pass_ms, "pass-ms", "readers stop after this time, in milliseconds")
      .add(rounds, "rounds", "passes per measurement, after one that warms up")
      .add(readers, "readers", "numbers of reading threads, for example 1,2,4");
    common.declare(table);
  }

  void shrink() {
    reads = 20'000;
    writes = 5'000;
    rounds = 1;
  }

  [[nodiscard]] expected<void> check() const;
};

expected<void> settings::check() const {
  if (auto ok = in_range("objects", objects, 1, 1 << 24); !ok)
    return ok;
  if ((objects & (objects - 1)) != 0)
    return fail(errc::invalid_argument, "--objects must be a power of two");
  if (auto ok = in_range("reads", reads, 1, 10'000'000'000); !ok)
    return ok;
  if (auto ok = in_range("writes", writes, 1, 10'000'000'000); !ok)
    return ok;
  if (auto ok = in_range("rounds", rounds, 1, 10'000); !ok)
    return ok;
  if (auto ok = in_range("pass-ms", pass_ms, 1, 1'000'000); !ok)
    return ok;
  if (auto ok = number_list("readers", readers, most_threads); !ok)
    return tl::unexpected<error>{ok.error()};
  auto all = number_list("sizes", sizes, largest_object);
  if (!all)
    return tl::unexpected<error>{all.error()};
  for (auto x : *all)
    if (auto ok = in_range("sizes", x, sizeof(object), largest_object); !ok)
      return ok;
  return {};
}

/// A scheme in one constellation of threads.
struct measurement {
  const scheme_entry* scheme = nullptr;
  std::uint64_t size = 0; ///< Of an object.
  std::size_t readers = 0;
  bool writer = false;
  std::vector<double> read{};  ///< Nanoseconds per read of a thread.
  std::vector<double> write{}; ///< Nanoseconds per write.
  std::vector<double> cpu{};   ///< The same, of the whole process.
  std::uint64_t most_alive = 0;
  std::uint64_t broken = 0;
  std::uint64_t reads = 0;
};

std::vector<scheme_entry> all_schemes() {
  std::vector<scheme_entry> result;
  add_unprotected(result);
  add_epoch(result);
  add_urcu_memb(result);
  add_urcu_qsbr(result);
  add_shared_mutex(result);
  add_shared_pointer(result);
  return result;
}

/// In which order the slots are visited: random, and long enough that the
/// processor does not learn it. A power of two.
std::vector<std::uint32_t> visiting_order(std::size_t slots,
                                          std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::uniform_int_distribution<std::uint32_t> any{
    0, static_cast<std::uint32_t>(slots - 1)};
  std::vector<std::uint32_t> result(8192);
  std::generate(result.begin(), result.end(), [&] { return any(random); });
  return result;
}

class contest {
public:
  explicit contest(const settings& how)
    : how_(how),
      readers_(*number_list("readers", how.readers, most_threads)),
      crew_(*std::max_element(readers_.begin(), readers_.end()) + 1,
            how.common.pin) {
    for (std::size_t i = 0; i < crew_.size(); ++i)
      orders_.push_back(visiting_order(how.objects, i + 1));
    plan();
  }

  void measure();
  [[nodiscard]] report result() const;

private:
  void plan();
  void pass(measurement& x, bool counted);
  void write_alone(measurement& x, protector& scheme, bool counted);
  void read_and_write(measurement& x, protector& scheme, bool counted);

  settings how_;
  std::vector<std::uint64_t> readers_;
  crew crew_;
  noise_meter noise_;
  std::vector<std::vector<std::uint32_t>> orders_;
  std::vector<scheme_entry> schemes_ = all_schemes();
  std::vector<measurement> measurements_;
};

void contest::plan() {
  auto sizes = *number_list("sizes", how_.sizes, largest_object);
  for (auto size : sizes) {
    for (auto& scheme : schemes_)
      measurements_.push_back({&scheme, size, 0, true});
    for (auto writer : {false, true})
      for (auto readers : readers_)
        for (auto& scheme : schemes_) {
          // Without a writer, the size of the objects does not matter.
          if (!writer && size != sizes.front())
            continue;
          if (writer && !scheme.make(1, sizeof(object))->writable())
            continue;
          measurements_.push_back({&scheme, size, readers, writer});
        }
  }
}

void contest::measure() {
  for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
    for (auto& x : measurements_)
      pass(x, round > 0);
    progress("reclamation: "
             + (round == 0 ? "warmed up"
                           : "round " + std::to_string(round) + " of "
                               + std::to_string(how_.rounds)));
  }
}

void contest::pass(measurement& x, bool counted) {
  auto scheme = x.scheme->make(how_.objects, x.size);
  if (x.readers == 0)
    write_alone(x, *scheme, counted);
  else
    read_and_write(x, *scheme, counted);
}

void contest::write_alone(measurement& x, protector& scheme, bool counted) {
  access_count done;
  auto cpu = cpu_seconds();
  auto time = crew_.run(1, [&](std::size_t) {
    done = scheme.write(orders_[0], how_.writes, nullptr);
  });
  cpu = cpu_seconds() - cpu;
  if (!counted)
    return;
  auto count = static_cast<double>(done.accesses);
  x.write.push_back(time.wall * 1e9 / count);
  x.cpu.push_back(cpu * 1e9 / count);
  x.most_alive = std::max(x.most_alive, done.most_alive - how_.objects);
}

void contest::read_and_write(measurement& x, protector& scheme, bool counted) {
  std::vector<access_count> done(x.readers + 1);
  std::vector<double> seconds(x.readers + 1);
  std::atomic<std::size_t> reading{x.readers};
  std::atomic<bool> stop{false};
  auto deadline = stopwatch::now() + std::chrono::milliseconds{how_.pass_ms};
  crew_.run(x.readers + (x.writer ? 1 : 0), [&](std::size_t i) {
    auto from = stopwatch::now();
    if (i < x.readers) {
      done[i] = scheme.read(orders_[i], how_.reads, deadline);
      if (reading.fetch_sub(1) == 1)
        stop.store(true);
    } else {
      done[i] = scheme.write(orders_[i], 0, &stop);
    }
    seconds[i] = std::chrono::duration<double>(stopwatch::now() - from).count();
  });
  if (!counted)
    return;
  // Readers that were cut short did not all get equally far.
  double slowest = 0;
  for (std::size_t i = 0; i < x.readers; ++i) {
    x.broken += done[i].broken;
    x.reads += done[i].accesses;
    slowest
      = std::max(slowest, seconds[i] / static_cast<double>(done[i].accesses));
  }
  x.read.push_back(slowest * 1e9);
  if (!x.writer)
    return;
  auto& written = done[x.readers];
  if (written.accesses > 0) {
    x.write.push_back(seconds[x.readers] * 1e9
                      / static_cast<double>(written.accesses));
    x.most_alive
      = std::max(x.most_alive, written.most_alive
                                 - std::min(written.most_alive, how_.objects));
  }
}

report contest::result() const {
  report result;
  result.subcommand = "reclamation";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "A read enters, follows a pointer, reads the object, and leaves. A write",
    "allocates an object, puts it into a slot, and frees the old object when",
    "no reader can see it any more. (Schemes with grace periods collect as",
    "many objects for one period as Troupe's epochs do: thousands.) Each round",
    "runs all schemes in turn; figures are medians. With more threads than",
    "processors (2 readers and a writer on 2), a reader may lose its processor",
    "inside a read; then the writer waits, or memory accumulates.",
    noise_line(noise_),
  };
  table times{
    "results",
    "ns per operation; cpu: processor time of the whole process per "
    "write, helper threads included;\nwaiting: largest number of objects that "
    "were replaced and not yet freed",
    {{"size", "bytes", 0},
     {"readers", "readers", 0},
     {"writer", "writer", 0},
     {"name", "", 0},
     {"scheme", "scheme", 0},
     {"read_ns", "read", 2},
     {"read_ns_least", "least", 2},
     {"read_ns_most", "most", 2},
     {"write_ns", "write", 1},
     {"write_ns_least", "least", 1},
     {"write_ns_most", "most", 1},
     {"write_cpu_ns", "cpu", 1},
     {"most_waiting", "waiting", 0},
     {"reads", "", 0},
     {"broken", "", 0}},
    {}};
  for (auto& x : measurements_) {
    auto read = summarize(x.read);
    auto write = summarize(x.write);
    times.rows.push_back(
      {x.size, std::uint64_t{x.readers}, x.writer, x.scheme->name,
       x.scheme->what, read.median, read.least, read.most, write.median,
       write.least, write.most, summarize(x.cpu).median,
       x.writer ? cell{x.most_alive} : cell{}, x.reads, x.broken});
    if (x.broken != 0)
      result.failures.push_back(x.scheme->name + " let "
                                + std::to_string(x.broken)
                                + " reads see freed memory");
  }
  result.tables.push_back(std::move(times));
  return result;
}

} // namespace

int run_reclamation(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>(
    "reclamation",
    "Ways to free memory that readers may still read: the cost of a read and\n"
    "of a write with each.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<settings>(read);
  contest all{how};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
