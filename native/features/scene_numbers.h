/* scene_numbers.h - how to read a raster that comes without its product: which stored values are none, and which scale
 * and offset its name or place promise.
 */
#ifndef SAL_FEATURES_SCENE_NUMBERS_H
#define SAL_FEATURES_SCENE_NUMBERS_H

#include "features/stack_build.h"

/* Sets scale, offset and invalid values of a source by the name of its file, unless the file declares its own; the
 * user's scale and offset go before both. DATA when the name says that the numbers cannot be reflectance. */
sal_status sal__source_numbers(sal_build *build, const sal_raster *raster, sal_source *source);
/* Bands whose weighted mean plays a role; count 0: one band as it is. */
typedef struct sal__blend {
    int64_t *members;
    double *weights;
    int64_t count;
} sal__blend;

/* The roles that bands play by their centre wavelength: names (bands), NULL where none, owned by the arena; returns
 * NULL in *names when no band has a wavelength. Of a spectrometer, a raster with 40 bands or more, a role is the mean of the bands within
 * the response of Sentinel-2, blends (bands) of the band that has the name, unless build->nearest_band. Bands marked as bad do not
 * count. */
sal_status sal__roles_by_wavelength(sal_build *build, const sal_raster *raster, const char ***names, sal__blend **blends);

#endif
