/* scene_names.h - what the name of a file says of a scene. Dates: stack_build.h.
 */
#ifndef SAL_FEATURES_SCENE_NAMES_H
#define SAL_FEATURES_SCENE_NAMES_H

#include "base/base.h"

enum { SAL__NAME = 64 };

/* File name without folders and ending. */
void sal__file_stem(const char *path, char stem[256]);
/* Whether a word looks like a band: B, digits, perhaps an A. */
bool sal__looks_like_band(const char *word);
/* The last word of a file name that looks like a band ("B04", "SR_B4", "red") or a mask ("SCL", "QA_PIXEL", "Fmask"). */
bool sal__band_in_stem(const char *stem, char name[SAL__NAME]);
/* Sensor from names such as S2A_MSIL2A_..., LC08_L2SP_..., HLS.S30....; NULL when the name does not begin like those. */
const char *sal__sensor_in_stem(const char *stem);

#endif
