#include "conformance/fixture.hpp"

#include <thread>
#include <utility>

#include <troupe/actors/regions/stand_alone.hpp>

using namespace troupe;

namespace conformance {

namespace {

/// Of time that passes for real, long enough for some steps of a test in most runs.
constexpr std::chrono::milliseconds real_unit{20};

/// What a clock may round that is not exact.
constexpr ttl_duration coarse_tick{1};

/// Real waits of operations are for what hangs.
region_options patient(region_options x) {
  if (!x.op_timeout)
    x.op_timeout = longest_wait;
  return x;
}

} // namespace

fixture::fixture(const provider_kind& with, region_options options,
                 std::size_t loader_threads,
                 std::optional<integer_range> counts)
  : kind(with),
    loads(std::make_shared<load_coordinator>(load_time, loader_threads)) {
  options = patient(std::move(options));
  options.provider = kind.factory();
  const troupe::clock& machine = troupe::clock::steady();
  auto opened = open_alone("test", options, exact_tick() ? time : machine,
                           executor, loads, counts);
  REQUIRE(opened);
  uut = std::move(*opened);
}

fixture::~fixture() {
  const auto stuck
    = loads->drain(std::chrono::steady_clock::now() + longest_wait);
  CHECK(stuck.empty());
  if (kind.validate != nullptr && uut->check_running())
    kind.validate(*uut);
  uut->stop();
}

std::string fixture::get(std::string_view key) const {
  auto value = uut->get(key);
  REQUIRE(value);
  return value->value_or("<none>");
}

ttl_duration fixture::units(double n) const {
  const ttl_duration unit
    = exact_tick() ? std::chrono::milliseconds{std::chrono::seconds{1}}
                   : real_unit;
  return std::chrono::duration_cast<ttl_duration>(unit * n);
}

void fixture::advance(std::chrono::nanoseconds step) {
  if (exact_tick())
    time.advance(step);
  else
    std::this_thread::sleep_for(step);
}

bool fixture::ends(std::string_view key, moments written,
                   std::chrono::nanoseconds span,
                   std::chrono::nanoseconds late) const {
  const auto asked = now();
  const auto left = uut->ttl(key);
  REQUIRE(left);
  const auto answered = now();
  const auto first = written.first + span;
  const auto last = written.last + span + late;
  if (!*left)
    return answered >= first;
  const auto coarse = exact_tick() ? ttl_duration::zero() : coarse_tick;
  const auto least = std::chrono::ceil<ttl_duration>(first - answered) - coarse;
  const auto most = std::chrono::ceil<ttl_duration>(last - asked) + coarse;
  if (least <= **left && **left <= most)
    return true;
  UNSCOPED_INFO("left are " << (*left)->count() << " ms, not " << least.count()
                            << " to " << most.count());
  return false;
}

bool fixture::falls(time_point x, moments written,
                    std::chrono::nanoseconds span) const {
  const auto coarse = exact_tick() ? ttl_duration::zero() : coarse_tick;
  return x >= written.first + span - coarse
         && x <= written.last + span + coarse;
}

bool fixture::lives(std::string_view key, std::string_view value,
                    moments written, std::chrono::nanoseconds span) const {
  const auto found = get(key);
  return found == value || (found == "<none>" && now() >= written.first + span);
}

expected<std::shared_ptr<region>> open_beside(fixture& f, std::string name,
                                              const region_options& options) {
  auto wanted = patient(options);
  wanted.provider = f.kind.factory();
  const troupe::clock& machine = troupe::clock::steady();
  return open_alone(std::move(name), wanted, f.exact_tick() ? f.time : machine,
                    f.executor, f.loads);
}

write_options tagged(std::initializer_list<bytes_view> names) {
  write_options result;
  result.tags = names;
  return result;
}

std::optional<sight> look_at(const region& where, std::string_view key) {
  std::optional<sight> result;
  const auto found = where.visit(
    key,
    [&](const entry_view& x) {
      result.emplace(
        sight{bytes{x.value}, x.version, x.deadline, x.ttl_end, x.idle});
    },
    lookup::peek);
  REQUIRE(found);
  return result;
}

version_number version_of(const region& where, std::string_view key) {
  const auto x = look_at(where, key);
  REQUIRE(x);
  return x->version;
}

} // namespace conformance
