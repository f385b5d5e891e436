#include "binding/errors.hpp"

#include <new>
#include <string>

#include "histojet/base.hpp"

namespace histojet::binding {

namespace {

Napi::Error coded_error(Napi::Env env, std::string_view code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code.data(), code.size()));
  return error;
}

}  // namespace

Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Cancelled&) {
    return coded_error(env, kCancelledCode, "the work was cancelled");
  } catch (const Error& error) {
    return coded_error(env, code_name(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return coded_error(env, code_name(ErrorCode::kOutOfMemory), "out of memory");
  } catch (const std::exception& error) {
    return coded_error(env, code_name(ErrorCode::kInternal), std::string("internal error: ") + error.what());
  } catch (...) {
    return coded_error(env, code_name(ErrorCode::kInternal), "internal error of unknown kind");
  }
}

}  // namespace histojet::binding
