// density.cpp - how crowded a scatter is.
#include "density.h"
#include <QMap>
#include <algorithm>
#include <cmath>

namespace salina {

enum : int { CELLS = 128 };

static int cell_of(double at, double side) { return std::min(std::max(int(at / side * CELLS), 0), CELLS - 1); }

// One pass of a Gaussian kernel along one axis; `step` is the distance of neighbours in memory.
static void blur(QVector<double> &grid, int step, int across, double sigma)
{
    const int reach = int(std::ceil(3 * sigma));
    double line[CELLS];
    for (int row = 0; row < CELLS; row++) {
        double *cells = grid.data() + row * across;
        for (int i = 0; i < CELLS; i++) {
            line[i] = 0;
            for (int k = std::max(-reach, -i); k <= std::min(reach, CELLS - 1 - i); k++)
                line[i] += cells[(i + k) * step] * std::exp(-0.5 * k * k / (sigma * sigma));
        }
        for (int i = 0; i < CELLS; i++) cells[i * step] = line[i];
    }
}

QVector<double> point_density(const QVector<QPointF> &at, double side)
{
    QVector<double> grid(CELLS * CELLS, 0), out(at.size(), 0);
    for (const QPointF &p : at) grid[cell_of(p.y(), side) * CELLS + cell_of(p.x(), side)] += 1;
    blur(grid, 1, CELLS, CELLS / 40.0);
    blur(grid, CELLS, 1, CELLS / 40.0);
    double most = 0;
    for (int i = 0; i < at.size(); i++) {
        out[i] = grid[cell_of(at[i].y(), side) * CELLS + cell_of(at[i].x(), side)];
        most = std::max(most, out[i]);
    }
    for (double &value : out) value /= most > 0 ? most : 1;
    return out;
}

// The nearer of the two lattices of centres: rows 1.5 radii apart, every second one shifted by half a width.
static QPointF centre_of(const QPointF &p, double radius)
{
    const double width = std::sqrt(3.0) * radius, height = 3 * radius;
    const QPointF even(std::round(p.x() / width) * width, std::round(p.y() / height) * height);
    const QPointF odd((std::floor(p.x() / width) + 0.5) * width, (std::floor(p.y() / height) + 0.5) * height);
    const QPointF a = p - even, b = p - odd;
    return QPointF::dotProduct(a, a) <= QPointF::dotProduct(b, b) ? even : odd;
}

QVector<Hexagon> hexagons(const QVector<QPointF> &at, double radius)
{
    QMap<QPair<qint64, qint64>, Hexagon> found;
    for (const QPointF &p : at) {
        const QPointF centre = centre_of(p, radius);
        Hexagon &one = found[qMakePair(qRound64(centre.y() * 16), qRound64(centre.x() * 16))];
        one.centre = centre;
        one.count++;
    }
    QVector<Hexagon> out;
    for (const Hexagon &one : found) out.append(one);
    return out;
}

} // namespace salina
