/* delta_private.h - what the files of the digital delta share.
 */
#ifndef SAL_SIMULATE_DELTA_PRIVATE_H
#define SAL_SIMULATE_DELTA_PRIVATE_H

#include "delta.h"

#define SAL__STRIP        512  /* rows written at once: the block height of our rasters */
#define SAL__RELIEF_SCALE 0.35 /* m of relative elevation at which tanh bends */
#define SAL__MISMATCH     1.05 /* sd of log salinity between the 0-20 cm sample and what the sensor sees */

/* A standard normal field of the entered campaign (or of the delta before any was entered). */
sal_status sal__delta_field(const sal_delta *delta, const char *name, double length, double nu, float *out);
/* Fills elevation, relief and dem from the distances; scratch is a plane. */
sal_status sal__delta_relief(sal_delta *d, float *scratch);
/* A number for the parcel (300 m x 110 m) that holds a pixel. */
uint64_t sal__delta_parcel(int64_t row, int64_t column);

enum sal__crop_type { SAL__BARE = 0, SAL__WHEAT_MAIZE = 1, SAL__COTTON = 2, SAL__RICE = 3 };

typedef struct sal__crop {
    int32_t type;
    float growth;              /* G = 1 / (1 + (S_r / 6)^2.2) */
    float lai_max, second_max; /* second: summer maize after wheat */
    float sos, duration;       /* day of the year, days */
    float chlorophyll;         /* ug/cm2 */
} sal__crop;

typedef struct sal__crop_keys {
    uint64_t lottery, tolerance;
    uint32_t parcel_start, start, chlorophyll;
} sal__crop_keys;

sal__crop_keys sal__crop_keys_of(const sal_delta *delta);
void sal__crop_at(const sal_delta *delta, const sal__crop_keys *keys, int64_t i, sal__crop *crop);
/* The four logistic edges of LAI(t): rise and fall of the main crop, rise and fall of the second. */
typedef struct sal__edge {
    float middle, width; /* days; a fall has negative width */
} sal__edge;
void sal__crop_edges(const sal__crop *crop, sal__edge edges[4]);
float sal__crop_lai(const sal__crop *crop, float day);

typedef struct sal__spectral_band {
    const char *name;
    float wavelength_nm;
    bool coarse;                        /* 20 m */
    float loam, clay, salt, water;      /* reflectance: dry bright loam, dry dark clay, salt crust, open water */
    float k_water, k_pigment, k_matter; /* relative absorption */
} sal__spectral_band;

extern const sal__spectral_band sal__bands[SAL_DELTA_BANDS];

typedef struct sal__soil_keys {
    uint32_t field, white, patch;
} sal__soil_keys;

sal__soil_keys sal__soil_keys_of(const sal_delta *delta);
/* Reflectance of the bare ground of a pixel in the bands [first, last] with a step, dry crust and wetness included. */
void sal__soil_at(const sal_delta *delta, const sal__soil_keys *keys, int64_t i, float out[SAL_DELTA_BANDS]);
/* Single-scattering albedo of leaves in a band. */
float sal__leaf_albedo(int band, float chlorophyll);
/* Recollision probability of a canopy: .88 (1 - exp(-.7 LAI^.75)) (Smolander & Stenberg 2005, doi 10.1016/j.rse.2004.11.001). */
float sal__canopy_p(float lai);

#endif
