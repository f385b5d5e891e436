#include "nuclei/assignment.hpp"

#include <limits>

namespace histojet::nuclei {

std::vector<int> least_cost_assignment(const std::vector<double>& cost, int rows, int columns) {
  const double infinity = std::numeric_limits<double>::infinity();
  // Row and column 0 stand for "none yet".
  std::vector<double> row_potential(static_cast<std::size_t>(rows) + 1),
      column_potential(static_cast<std::size_t>(columns) + 1);
  std::vector<int> row_of(static_cast<std::size_t>(columns) + 1, 0), came_from(static_cast<std::size_t>(columns) + 1);
  for (int row = 1; row <= rows; ++row) {
    row_of[0] = row;
    int column = 0;
    std::vector<double> slack(static_cast<std::size_t>(columns) + 1, infinity);
    std::vector<bool> visited(static_cast<std::size_t>(columns) + 1);
    do {
      visited[static_cast<std::size_t>(column)] = true;
      const int here = row_of[static_cast<std::size_t>(column)];
      double delta = infinity;
      int next = 0;
      for (int j = 1; j <= columns; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (visited[at]) continue;
        const double reduced = cost[static_cast<std::size_t>((here - 1) * columns + j - 1)] -
                               row_potential[static_cast<std::size_t>(here)] - column_potential[at];
        if (reduced < slack[at]) {
          slack[at] = reduced;
          came_from[at] = column;
        }
        if (slack[at] < delta) {
          delta = slack[at];
          next = j;
        }
      }
      for (int j = 0; j <= columns; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (visited[at]) {
          row_potential[static_cast<std::size_t>(row_of[at])] += delta;
          column_potential[at] -= delta;
        } else {
          slack[at] -= delta;
        }
      }
      column = next;
    } while (row_of[static_cast<std::size_t>(column)] != 0);
    for (; column != 0; column = came_from[static_cast<std::size_t>(column)]) {
      row_of[static_cast<std::size_t>(column)] =
          row_of[static_cast<std::size_t>(came_from[static_cast<std::size_t>(column)])];
    }
  }
  std::vector<int> rows_of_columns;
  for (int j = 1; j <= columns; ++j) rows_of_columns.push_back(row_of[static_cast<std::size_t>(j)] - 1);
  return rows_of_columns;
}

}  // namespace histojet::nuclei
