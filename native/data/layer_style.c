/* layer_style.c - the part of QGIS's layer style that colours a raster, as QGIS 3.22 writes it.
 * Viridis by S. van der Walt and N. Smith (2015, CC0) at nine stops; QGIS interpolates between them.
 */
#include "layer_style.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void append_escaped(sal_context *ctx, sal_text *text, const char *words)
{
    for (const char *c = words ? words : ""; *c; c++) {
        const char *entity = *c == '&'   ? "&amp;"
                             : *c == '<' ? "&lt;"
                             : *c == '>' ? "&gt;"
                             : *c == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            sal_text_append(ctx, text, "%s", entity);
        else if ((unsigned char)*c >= 32)
            sal_text_append_bytes(ctx, text, c, 1);
    }
}

static void begin(sal_context *ctx, sal_text *text)
{
    sal_text_append(ctx, text,
                    "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
                    "<qgis version=\"3.22.0\" styleCategories=\"Symbology\">\n <pipe>\n");
}

static sal_status finish(sal_context *ctx, sal_text *text, const char *path)
{
    char *whole = NULL;
    sal_text_append(ctx, text,
                    "  <brightnesscontrast brightness=\"0\" contrast=\"0\" gamma=\"1\"/>\n"
                    "  <huesaturation saturation=\"0\" grayscaleMode=\"0\" colorizeOn=\"0\"/>\n"
                    "  <rasterresampler maxOversampling=\"2\"/>\n </pipe>\n <blendMode>0</blendMode>\n</qgis>\n");
    sal_status status = sal_text_finish(ctx, text, &whole);
    if (status == SAL_STATUS_OK) status = sal_file_write(ctx, path, whole, (int64_t)strlen(whole));
    sal_release(ctx, whole);
    return status;
}

static void begin_pseudocolour(sal_context *ctx, sal_text *text, int32_t band, double minimum, double maximum,
                               const char *type)
{
    begin(ctx, text);
    sal_text_append(
        ctx, text,
        "  <rasterrenderer type=\"singlebandpseudocolor\" band=\"%d\" opacity=\"1\" alphaBand=\"-1\" nodataColor=\"\" "
        "classificationMin=\"%.9g\" classificationMax=\"%.9g\">\n   <rasterTransparency/>\n"
        "   <minMaxOrigin>\n    <limits>None</limits>\n    <extent>WholeRaster</extent>\n    "
        "<statAccuracy>Estimated</statAccuracy>\n"
        "   </minMaxOrigin>\n   <rastershader>\n"
        "    <colorrampshader colorRampType=\"%s\" classificationMode=\"1\" clip=\"0\" minimumValue=\"%.9g\" "
        "maximumValue=\"%.9g\" "
        "labelPrecision=\"4\">\n",
        band, minimum, maximum, type, minimum, maximum);
}

static void append_item(sal_context *ctx, sal_text *text, double value, const uint8_t *rgb, const char *label)
{
    char number[32] = "inf"; /* as Qt reads it */
    if (isfinite(value)) snprintf(number, sizeof number, "%.9g", value);
    sal_text_append(ctx, text, "     <item value=\"%s\" color=\"#%02x%02x%02x\" alpha=\"255\" label=\"", number, rgb[0],
                    rgb[1], rgb[2]);
    append_escaped(ctx, text, label);
    sal_text_append(ctx, text, "\"/>\n");
}

static sal_status finish_pseudocolour(sal_context *ctx, sal_text *text, const char *path, const char *unit)
{
    sal_text_append(
        ctx, text,
        "     <rampLegendSettings orientation=\"2\" direction=\"0\" useContinuousLegend=\"1\" prefix=\"\" suffix=\"%s",
        unit ? " " : "");
    append_escaped(ctx, text, unit);
    sal_text_append(ctx, text,
                    "\" minimumLabel=\"\" maximumLabel=\"\">\n"
                    "      <numericFormat id=\"basic\">\n       <Option type=\"Map\">\n        <Option "
                    "name=\"decimals\" type=\"int\" value=\"3\"/>\n"
                    "        <Option name=\"show_trailing_zeros\" type=\"bool\" value=\"false\"/>\n       </Option>\n  "
                    "    </numericFormat>\n"
                    "     </rampLegendSettings>\n    </colorrampshader>\n   </rastershader>\n  </rasterrenderer>\n");
    return finish(ctx, text, path);
}

sal_status sal_style_write_classes(sal_context *ctx, const char *path_qml, int32_t band, int64_t n, const double *upper,
                                   const uint8_t *colours, const char *const *labels)
{
    sal_text text = { 0 };
    double last = n > 0 && isfinite(upper[n - 1]) ? upper[n - 1] : n > 1 ? upper[n - 2] : 1;
    begin_pseudocolour(ctx, &text, band, 0, last, "DISCRETE");
    for (int64_t i = 0; i < n; i++) append_item(ctx, &text, upper[i], colours + 3 * i, labels[i]);
    return finish_pseudocolour(ctx, &text, path_qml, NULL);
}

sal_status sal_style_write_ramp(sal_context *ctx, const char *path_qml, int32_t band, double minimum, double maximum,
                                const char *unit)
{
    static const uint8_t viridis[9][3] = { { 0x44, 0x01, 0x54 }, { 0x47, 0x2d, 0x7b }, { 0x3b, 0x52, 0x8b },
                                           { 0x2c, 0x72, 0x8e }, { 0x21, 0x91, 0x8c }, { 0x28, 0xae, 0x80 },
                                           { 0x5e, 0xc9, 0x62 }, { 0xad, 0xdc, 0x30 }, { 0xfd, 0xe7, 0x25 } };
    sal_text text = { 0 };
    if (!isfinite(minimum)) minimum = 0;
    if (!isfinite(maximum) || maximum <= minimum) maximum = minimum + 1;
    begin_pseudocolour(ctx, &text, band, minimum, maximum, "INTERPOLATED");
    for (int i = 0; i < 9; i++) {
        char label[96];
        double value = minimum + (maximum - minimum) * i / 8;
        snprintf(label, sizeof label, "%.4g%s%.40s", value, unit && unit[0] ? " " : "", unit ? unit : "");
        append_item(ctx, &text, value, viridis[i], label);
    }
    return finish_pseudocolour(ctx, &text, path_qml, unit && unit[0] ? unit : NULL);
}

sal_status sal_style_write_index(sal_context *ctx, const char *path_qml, int32_t band, double threshold)
{
    enum { CLASSES = 7, INSIDE = 4 };
    static const uint8_t colours[3 * CLASSES] = { 0x21, 0x66, 0xac, 0x43, 0x93, 0xc3, 0x92, 0xc5, 0xde, 0xd1, 0xe5, 0xf0, 0xf4, 0xa5, 0x82, 0xd6, 0x60, 0x4d, 0xb2, 0x18, 0x2b };
    static const double shares[CLASSES] = { 0.25, 0.5, 0.75, 1, 1.5, 2, INFINITY }; /* of the threshold */
    double upper[CLASSES];
    char labels[CLASSES][96];
    const char *list[CLASSES];
    int64_t first = threshold > 0 ? 0 : INSIDE - 1; /* with a threshold of 0, one class holds what is alike and one what is not */
    for (int64_t i = first; i < CLASSES; i++) {
        double low = i > 0 && i > first ? upper[i - 1] : 0;
        upper[i] = threshold > 0 ? threshold * shares[i] : i == first ? 0 : INFINITY;
        const char *what = i + 1 == INSIDE ? " (threshold)" : i >= INSIDE ? ", not applicable" : i == 0 ? ", like the samples" : "";
        if (isfinite(upper[i])) snprintf(labels[i], sizeof labels[i], "%.3g to %.3g%s", low, upper[i], what);
        else snprintf(labels[i], sizeof labels[i], "above %.3g%s", low, what);
        list[i] = labels[i];
    }
    return sal_style_write_classes(ctx, path_qml, band, threshold > 0 ? CLASSES : 2, upper + first, colours + 3 * first, list + first);
}

sal_status sal_style_write_palette(sal_context *ctx, const char *path_qml, int32_t band, int64_t n,
                                   const int32_t *values, const uint8_t *colours, const char *const *labels)
{
    sal_text text = { 0 };
    begin(ctx, &text);
    sal_text_append(ctx, &text,
                    "  <rasterrenderer type=\"paletted\" band=\"%d\" opacity=\"1\" alphaBand=\"-1\" "
                    "nodataColor=\"\">\n   <rasterTransparency/>\n"
                    "   <colorPalette>\n",
                    band);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *rgb = colours + 3 * i;
        sal_text_append(ctx, &text, "    <paletteEntry value=\"%d\" color=\"#%02x%02x%02x\" alpha=\"255\" label=\"",
                        values[i], rgb[0], rgb[1], rgb[2]);
        append_escaped(ctx, &text, labels[i]);
        sal_text_append(ctx, &text, "\"/>\n");
    }
    sal_text_append(ctx, &text, "   </colorPalette>\n  </rasterrenderer>\n");
    return finish(ctx, &text, path_qml);
}
