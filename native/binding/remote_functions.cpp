// Remote files: the core asks for ranges of bytes, lib/slide/http-source.ts fetches them and hands them in.

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/handles.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// The longest file whose offsets a JavaScript number can hold.
constexpr double kLargestFile = 9007199254740991.0;

/// Passes the questions of a BlockSource to a JavaScript function, which is called with ('fetch', id, offset, length),
/// ('cancel', id) and, once and last, ('close'). Owned by the source, so on any thread. When the environment ends, it
/// closes the source: nobody will answer any more.
class JsFetcher final : public RangeFetcher {
 public:
  JsFetcher(std::shared_ptr<Gate> gate, Napi::Function ask)
      : gate_(std::move(gate)), ask_(new Napi::FunctionReference(Napi::Persistent(ask))) {}
  // Sent after all other questions, so this one may free the reference, on the thread where it must be freed.
  ~JsFetcher() override { send("close", 0, {}, true); }
  JsFetcher(const JsFetcher&) = delete;
  JsFetcher& operator=(const JsFetcher&) = delete;

  void fetch(std::uint64_t id, ByteRange range) override { send("fetch", id, range, false); }
  void cancel(std::uint64_t id) override { send("cancel", id, {}, false); }

  void close_at_end(const std::weak_ptr<BlockSource>& source) {
    end_action_ = std::make_shared<std::function<void()>>([source] {
      const auto open = source.lock();
      if (open) open->close(Error(ErrorCode::kIo, open->name() + ": the thread that opened it has ended"));
    });
    gate_->at_end(end_action_);
  }

 private:
  class Question;
  void send(const char* what, std::uint64_t id, ByteRange range, bool last) noexcept;

  std::shared_ptr<Gate> gate_;
  Napi::FunctionReference* ask_;  // never freed when the environment is gone
  std::shared_ptr<std::function<void()>> end_action_;
};

class JsFetcher::Question final : public Completion {
 public:
  Question(Napi::FunctionReference* ask, const char* what, std::uint64_t id, ByteRange range, bool last)
      : ask_(ask), what_(what), id_(id), range_(range), last_(last) {}

  void settle(Napi::Env env) noexcept override {
    try {
      const auto number = [env](std::uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
      ask_->Call({Napi::String::New(env, what_), number(id_), number(range_.offset), number(range_.length)});
    } catch (...) {  // the function of lib/slide/http-source.ts does not throw
    }
    if (last_) delete ask_;
  }
  void abandon() noexcept override {}

 private:
  Napi::FunctionReference* ask_;
  const char* what_;
  std::uint64_t id_;
  ByteRange range_;
  bool last_;
};

void JsFetcher::send(const char* what, std::uint64_t id, ByteRange range, bool last) noexcept {
  gate_->deliver(new Question(ask_, what, id, range, last));
}

/// (name, size, first bytes, (what, id, offset, length) => void) → remote file
Napi::Value open_remote(const Napi::CallbackInfo& info) {
  const double size = info[1].ToNumber().DoubleValue();
  if (!(size >= 0 && size <= kLargestFile)) {
    throw Error(ErrorCode::kInvalidArgument, "expected a size of 0 to 2^53 - 1 bytes, got " + std::to_string(size));
  }
  const auto head = info[2].As<Napi::Uint8Array>();
  auto fetcher = std::make_unique<JsFetcher>(gate_of(info.Env()), info[3].As<Napi::Function>());
  JsFetcher& kept = *fetcher;
  auto link = std::make_shared<RemoteLink>();
  link->unopened =
      std::make_shared<BlockSource>(convert::text(info[0]), static_cast<std::uint64_t>(size), std::move(fetcher));
  link->source = link->unopened;
  kept.close_at_end(link->source);
  link->unopened->seed({head.Data(), head.ByteLength()});
  return make_handle(info.Env(), std::move(link), 0);
}

std::shared_ptr<BlockSource> source_of(const Napi::Value& link) {
  return get<RemoteLink>(link)->source.lock();
}

std::uint64_t id_of(const Napi::Value& id) {
  return static_cast<std::uint64_t>(id.ToNumber().Int64Value());
}

/// (remote file, id, bytes) → whether more of this request is wanted
Napi::Value deliver(const Napi::CallbackInfo& info) {
  const auto bytes = info[2].As<Napi::Uint8Array>();
  const auto source = source_of(info[0]);
  const bool more = source && source->deliver(id_of(info[1]), {bytes.Data(), bytes.ByteLength()});
  return Napi::Boolean::New(info.Env(), more);
}

/// (remote file, id, message): the request failed
Napi::Value fail(const Napi::CallbackInfo& info) {
  if (const auto source = source_of(info[0])) {
    source->fail(id_of(info[1]), Error(ErrorCode::kIo, convert::text(info[2])));
  }
  return info.Env().Undefined();
}

}  // namespace

void export_remote(Napi::Env env, Napi::Object exports) {
  export_function<open_remote>(env, exports, "remoteOpen");
  export_function<deliver>(env, exports, "remoteDeliver");
  export_function<fail>(env, exports, "remoteFail");
  export_function<close_handle<RemoteLink>>(env, exports, "remoteClose");
}

}  // namespace histojet::binding
