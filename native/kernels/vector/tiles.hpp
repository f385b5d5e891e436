#pragma once

// The tile instructions that kernels use, for _amx files only; in an unnamed namespace like all that such files define.
// GCC's own wrappers do not say which memory they read and write, and lost the initialisation of a configuration on the
// stack.
#include <cstdint>

namespace histojet::kernels::amx {
namespace {

constexpr std::int64_t kTileRows = 16;
constexpr std::int64_t kTileElements = 512;  ///< bfloat16 of one tile
constexpr std::int64_t kLine = 64;           ///< bytes of a tile's row

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t line_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t lines[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig kEightTiles;

inline void configure_tiles() {
  asm volatile("ldtilecfg %0" : : "m"(kEightTiles));
}
inline void release_tiles() {
  asm volatile("tilerelease" : : : "memory");
}
template <int T>
void load_tile(const void* from, std::int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(T));
}
template <int T>
void store_tile(float* to, std::int64_t stride) {
  asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(T), "r"(to), "r"(stride) : "memory");
}
template <int T>
void zero_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(T));
}
template <int Sum, int In, int Weight>
void multiply() {
  asm volatile("tdpbf16ps %%tmm%c0, %%tmm%c1, %%tmm%c2" : : "i"(Weight), "i"(In), "i"(Sum));
}

}  // namespace
}  // namespace histojet::kernels::amx
