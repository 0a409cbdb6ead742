#pragma once

// Everything a program that embeds Troupe needs.

#include <troupe/actors/cache.hpp>
#include <troupe/actors/config.hpp>
#include <troupe/actors/gate/find_consoles.hpp>
#include <troupe/actors/gate/remote.hpp>
#include <troupe/actors/loads/load_by_actor.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/transaction.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/services/service.hpp>
#include <troupe/actors/topics.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/caf/inspect_codec.hpp>
#include <troupe/messages/codec.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>
#include <troupe/messages/types/options.hpp>
