#pragma once

// `cache<V>`, the handle that users hold.

#include <troupe/actors/cache/access.hpp>
#include <troupe/actors/cache/bulk_loading.hpp>
#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/cache/loading.hpp>
#include <troupe/actors/cache/updating.hpp>
