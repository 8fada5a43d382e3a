// figure.cpp - the table of kinds and keys, and the checks that it implies.
#include "figure.h"
#include <QJsonDocument>
#include <QJsonObject>
#include <cmath>

namespace salina {

static const Key keys[] = {
#define SAL_FIGURE(kind, title)
#define SAL_KEY(kind, key, type, required, help) { #kind, #key, Key::type, required != 0, help },
#include "figures.def"
#undef SAL_FIGURE
#undef SAL_KEY
};

static const Key common[] = { { "", "title", Key::TEXT, false, "above the figure" },
                              { "", "width", Key::NUMBER, false, "px of 1/96 inch; default: what the texts need" },
                              { "", "height", Key::NUMBER, false, "px of 1/96 inch; default: what the texts need" },
                              { "", "dpi", Key::NUMBER, false, "of PNG, default 192" } };

std::shared_ptr<Figure> make_figure(const QString &kind)
{
    std::shared_ptr<Figure> figure;
#define SAL_FIGURE(name, title)                                                                                        \
    if (kind == QLatin1String(#name)) figure = make_##name();
#define SAL_KEY(kind, key, type, required, help)
#include "figures.def"
#undef SAL_FIGURE
#undef SAL_KEY
    if (figure) figure->kind = kind;
    return figure;
}

const Key *find_key(const QString &kind, const QString &name)
{
    for (const Key &key : common)
        if (name == QLatin1String(key.name)) return &key;
    for (const Key &key : keys)
        if (kind == QLatin1String(key.kind) && name == QLatin1String(key.name)) return &key;
    return nullptr;
}

QString check_figure(const Figure &figure)
{
    for (const Key &key : keys) {
        const QString name = QLatin1String(key.name);
        if (figure.kind != QLatin1String(key.kind) || !key.required) continue;
        if (!figure.texts.contains(name) && !figure.numbers.contains(name) && !figure.arrays.contains(name) &&
            !figure.lists.contains(name))
            return QStringLiteral("figure \"%1\" needs %2: %3").arg(figure.kind, name, QLatin1String(key.help));
    }
    for (const char *key : { "width", "height" }) {
        const double px = figure.number(key, 600);
        if (!(px >= 100 && px <= 10000))
            return QStringLiteral("%1 %2 px lies outside 100 to 10000").arg(QLatin1String(key)).arg(px);
    }
    const double dpi = figure.number("dpi", 192);
    if (!(dpi >= 24 && dpi <= 1200)) return QStringLiteral("dpi %1 lies outside 24 to 1200").arg(dpi);
    const QString wrong = figure.check();
    return wrong.isEmpty() ? wrong : QStringLiteral("figure \"%1\": %2").arg(figure.kind, wrong);
}

QSizeF Figure::size() const
{
    const QSizeF wanted = needed();
    return QSizeF(std::round(number("width", std::ceil(wanted.width()))),
                  std::round(number("height", std::ceil(wanted.height()))));
}

QByteArray kinds_json()
{
    static const char *const types[] = { "text", "number", "values", "names" };
    QJsonObject all;
#define SAL_FIGURE(kind, words)                                                                                        \
    all[QStringLiteral(#kind)] = QJsonObject{ { QStringLiteral("title"), QLatin1String(words) } };
#define SAL_KEY(kind, key, type, required, help)
#include "figures.def"
#undef SAL_FIGURE
#undef SAL_KEY
    for (const QString &kind : all.keys()) {
        QJsonObject one = all[kind].toObject(), named;
        for (const Key &key : common) named[QLatin1String(key.name)] = QLatin1String(types[key.type]);
        for (const Key &key : keys)
            if (kind == QLatin1String(key.kind))
                named[QLatin1String(key.name)] =
                    QLatin1String(types[key.type]) + (key.required ? QStringLiteral("*") : QString());
        one[QStringLiteral("keys")] = named;
        all[kind] = one;
    }
    return QJsonDocument(all).toJson(QJsonDocument::Compact);
}

} // namespace salina
