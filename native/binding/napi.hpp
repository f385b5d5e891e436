#pragma once

// The only place that includes napi.h, so that its configuration cannot differ between files.
#if NAPI_VERSION != 9 || !defined(NODE_ADDON_API_CPP_EXCEPTIONS) || \
    !defined(NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS) || !defined(NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
#error "native/cmake/addon.cmake defines how napi.h is configured"
#endif

#include <napi.h>
