#include <troupe/actors/runtime.hpp>

#include <new>
#include <stdexcept>

#include <troupe/actors/config.hpp>
#include <troupe/actors/detail/runtime_core.hpp>
#include <troupe/actors/shell/detail/logger_scope.hpp>
#include <troupe/actors/shell/detail/own_system.hpp>

namespace troupe {

namespace {

runtime_options options_in(const caf::actor_system& system) {
  auto options = read_options(system.config());
  if (!options)
    throw std::invalid_argument(options.error().text());
  return *options;
}

const runtime_options& checked(const runtime_options& options) {
  if (auto ok = check(options); !ok)
    throw std::invalid_argument(ok.error().text());
  return options;
}

} // namespace

// -- from the beginning to the end -------------------------------------------------

runtime::runtime(caf::actor_system& system)
  : runtime(system, options_in(system)) {
  // nop
}

runtime::runtime(caf::actor_system& system, const runtime_options& options)
  : core_(std::make_shared<detail::runtime_core>(system, checked(options))) {
  core_->start();
}

runtime::runtime(config& cfg) : runtime(nullptr, &cfg) {
  // nop
}

runtime::runtime() : runtime(std::make_unique<config>(), nullptr) {
  // nop
}

runtime::runtime(std::unique_ptr<config> own, config* used)
  : own_config_(std::move(own)),
    own_system_(std::make_unique<detail::own_system>(
      used != nullptr ? *used : *own_config_)),
    core_(std::make_shared<detail::runtime_core>(
      own_system_->get(), options_in(own_system_->get()))) {
  core_->start();
}

runtime::~runtime() {
  auto close = [this] {
    core_->close();
    core_ = nullptr;
  };
  if (!own_system_) {
    close();
    return;
  }
  // This thread may have sent messages from scoped actors.
  detail::release_logger();
  own_system_->end(close);
}

drain_report runtime::drain(std::chrono::milliseconds deadline) {
  return core_->drain(deadline);
}

// -- caches ------------------------------------------------------------------------

expected<opened_region> runtime::open_typed(std::string name,
                                            const region_options* options,
                                            value_type type) {
  try {
    return core_->regions().open(std::move(name), options, std::move(type));
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

expected<std::shared_ptr<region>>
runtime::open_region(std::string name, const region_options& options,
                     value_type type) {
  return open_typed(std::move(name), &options, std::move(type))
    .map([](opened_region&& x) { return std::move(x.where); });
}

expected<std::shared_ptr<region>> runtime::open_region(std::string name) {
  return open_typed(std::move(name), nullptr, {}).map([](opened_region&& x) {
    return std::move(x.where);
  });
}

expected<std::shared_ptr<region>> runtime::find(const std::string& name) const {
  return core_->regions().find(name).map(
    [](opened_region&& x) { return std::move(x.where); });
}

expected<void> runtime::close(const std::string& name) {
  try {
    return core_->regions().close(name);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

// -- services ----------------------------------------------------------------------

topics runtime::topics() const {
  return core_->topics();
}

expected<void> runtime::add(std::shared_ptr<service> x) {
  return core_->add(std::move(x));
}

// -- actors ------------------------------------------------------------------------

expected<region_actor> runtime::actor(const std::string& name) const {
  return core_->front(name);
}

supervisor_actor runtime::supervisor() const {
  return core_->supervisor_handle();
}

expected<std::string> runtime::publish(const console_socket& where) {
  return core_->consoles().open(where);
}

expected<std::uint16_t> runtime::publish(const console_port& where) {
  return core_->consoles().open(where);
}

caf::actor_system& runtime::system() noexcept {
  return core_->system();
}

std::size_t runtime::max_bytes() const noexcept {
  return core_->regions().max_bytes();
}

expected<void> runtime::check_max_bytes(std::size_t x) const {
  return core_->regions().check_max_bytes(x);
}

expected<void> runtime::set_max_bytes(std::size_t x) {
  return core_->set_max_bytes(x);
}

expected<void> runtime::restart(std::string_view name) {
  return core_->restart(name);
}

supervision_figures runtime::supervision() const {
  return core_->supervision();
}

std::shared_ptr<void> runtime::end_clients_first(client_end end) {
  return core_->clients().add(std::move(end));
}

runtime_stat runtime::stat() const {
  return core_->stat(true);
}

metric_registry& runtime::metrics() noexcept {
  return core_->metrics();
}

bool runtime::draining() const {
  return core_->draining();
}

region_actor front_of(const region_directory& where) {
  return where.front().get();
}

} // namespace troupe
