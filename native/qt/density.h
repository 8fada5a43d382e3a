// density.h - how crowded a scatter is: the density at each point, or hexagons that count.
#ifndef SAL_QT_DENSITY_H
#define SAL_QT_DENSITY_H

#include <QPointF>
#include <QVector>

namespace salina {

// Share of the densest place (0 .. 1] at each point: a Gaussian kernel of a fortieth of `side` px on a grid of 128 x
// 128 over the square [0, side] x [0, side].
QVector<double> point_density(const QVector<QPointF> &at, double side);

struct Hexagon {
    QPointF centre;
    int count;
};

// Counts in pointy-topped hexagons of `radius` px (Carr et al. 1987); the empty ones are left out.
QVector<Hexagon> hexagons(const QVector<QPointF> &at, double radius);

} // namespace salina

#endif
