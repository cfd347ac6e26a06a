#pragma once

#include <optional>

#include "model/graph.h"
#include "model/host.h"

/// Sums over data that need no loop at run time: sufficient statistics, computed once on the host in f64.
namespace drey::model {

/// The sum of normal(mu, sigma) log densities of data y, when mu is linear in few quantities with data
/// columns and sigma is a scalar or data: ||y - off - Z b||^2 = RSS + ||R b - z||^2 by Householder QR, K^2
/// work whatever N. Null when it is not of this form, or the loop is cheaper.
NodeRef gaussian_sum(Graph& graph, HostValues& host, NodeRef y, NodeRef mu, NodeRef sigma);

/// The sum of all elements as a scalar expression without a loop: sums, products with scalars, data
/// conditions. Null when an element mixes data and parameters in another way.
NodeRef separated_sum(Graph& graph, HostValues& host, NodeRef node, const Shape& shape);

/// The vector of a scalar's values over all trips of a loop with literal bounds. Null when the scalar depends
/// on the loop variable in a way that is no slice and no gather.
NodeRef over_trips(Graph& graph, NodeRef node, std::uint32_t loop);

}  // namespace drey::model
