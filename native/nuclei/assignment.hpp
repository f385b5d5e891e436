#pragma once

#include <vector>

namespace histojet::nuclei {

/// The assignment of least total cost (Kuhn-Munkres with potentials): every row gets a column of its own.
/// cost: [rows, columns] with rows <= columns, finite. @returns the row of each column, or -1. Time rows² x columns.
std::vector<int> least_cost_assignment(const std::vector<double>& cost, int rows, int columns);

}  // namespace histojet::nuclei
