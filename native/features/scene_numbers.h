/* scene_numbers.h - how to read a raster that comes without its product: which stored values are none, and which scale
 * and offset its name or place promise.
 */
#ifndef SAL_FEATURES_SCENE_NUMBERS_H
#define SAL_FEATURES_SCENE_NUMBERS_H

#include "features/stack_build.h"

/* Sets scale, offset and invalid values of a source by the name of its file, unless the file declares its own; the
 * user's scale and offset go before both. DATA when the name says that the numbers cannot be reflectance. */
sal_status sal__source_numbers(sal_build *build, const sal_raster *raster, sal_source *source);
/* The roles that bands play by their centre wavelength: names (bands), NULL where none, owned by the arena; returns
 * NULL in *names when no band has a wavelength. */
sal_status sal__roles_by_wavelength(sal_build *build, const sal_raster *raster, const char ***names);

#endif
