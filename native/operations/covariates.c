/* covariates.c - Build covariate stack: scenes, elevation and ready-made rasters on one metric grid, one band a
 * covariate. Its parameters are rows of the .def files, its work is in covariates_run.c.
 *
 * What can be derived from the bands (the indices) is not stored unless asked for: every model computes it while
 * reading.
 */
#include "operations/covariates_parts.h"

static const sal_param params[] = {
#include "operations/covariates_inputs.def"
#include "operations/covariates_series.def"
#include "operations/covariates_climate.def"
#include "operations/covariates_grid.def"
#include "operations/covariates_terrain.def"
#include "operations/covariates_output.def"
    { .key = NULL }
};

static const sal_result_row results[] = { { "width", true, "Columns" },
                                          { "height", true, "Rows" },
                                          { "pixel", true, "Pixel size in metres" },
                                          { "megapixels_per_second", true, "Megapixels a second" },
                                          { "cloud_share", true, "Share of pixels masked" },
                                          { "sensor", false, "Sensor" },
                                          { "date", false, "Date" },
                                          { "campaign", false, "Campaign" },
                                          { "stacks", false, "Covariate stacks" },
                                          { NULL, false, NULL } };

const sal_operation sal_operation_covariates = {
    .id = "covariates",
    .title = "Build covariate stack",
    .summary =
        "Puts scenes, an elevation model and ready-made rasters on one grid as a stack for training and mapping.",
    .help = "The stack is one GeoTIFF: a band for each covariate, the band description is its id, and the domain "
            "SALINA of the metadata holds sensor, "
            "date, campaign, the input files with their SHA-256, and the version. Models find their covariates in it "
            "by id, never by position.\n\n"
            "Scenes. A scene is a raster of surface reflectance. Its bands are recognised by their descriptions (B02 "
            "... B12 and B8A of Sentinel-2, SR_B1 ... "
            "SR_B7 of Landsat, or the roles B, G, R, RE1, RE2, RE3, NIR, NIR2, SWIR1, SWIR2 and Blue, Green, Red ...), "
            "by roles, or, for files with one "
            "band, by the file name. All scenes of one stack are of one day and one sensor; neighbouring tiles of that day are laid side by side (Mosaic, below); scenes of several days make a stack for each in "
            "output_folder (a day without clear ground is left out with a warning). Reflectance is a number from 0 to 1; "
            "scale and offset that a file states "
            "are used, and values that cannot be reflectance are refused with the scale to set.\n\n"
            "Products. A Sentinel-2 L2A product (SAFE folder, zip or MTD_MSIL2A.xml) gives its ten bands B02 ... B8A, "
            "B11, B12, its day, and its scene classification. Reflectance is (DN + BOA_ADD_OFFSET) / "
            "BOA_QUANTIFICATION_VALUE by the numbers its metadata hold for each band: products of processing baseline "
            "04.00 and later have the offset, earlier ones have none. Set offset = 0 where a distributor has taken it "
            "off already. Negative reflectance is kept. A Landsat 4-9 Collection 2 product (folder, tar, MTL file) of Level 2 "
            "is DN x 2.75e-5 - 0.2, or what its MTL file says; Level 1 becomes reflectance at the top of the atmosphere "
            "by the factors and the sun elevation of its MTL file, with bands B2 ... instead of SR_B2 ..., because no "
            "model of surface reflectance fits it; so does Level 1 of Collection 1 and of before, where the MTL file has reflectance factors. HLS folders (HLS.S30... and HLS.L30...) are DN x 0.0001. What was "
            "used stands in SCENES of the metadata. Loose files are read the same way where their names tell (Landsat "
            "L2SP, HLS, files inside a SAFE folder); elsewhere nothing is guessed. Bands of any raster without band "
            "names are found by wavelength: for each role the band nearest to that of Sentinel-2, of a spectrometer the mean of the bands within its response (narrow_bands).\n\n"
            "Mosaic. Several scenes of a day are told apart by the tile in their names (T31UFS of Sentinel-2 and HLS, path and row of "
            "Landsat), else by the ground they cover; the grid then reaches over all of them. A pixel takes all its bands from the first "
            "scene, in the order given, in which every band has a value once that scene's own mask is applied, else from the first with any: "
            "no spectrum is put together from two views. MOSAIC in the metadata holds the order. The same tile twice is refused.\n\n"
            "Masks. The quality band of a scene (SCL, QA_PIXEL, BQA of Landsat before Collection 2, Fmask; also as a file or band of that name) drops "
            "reflectance, not terrain: mask_classes says which classes, mask_buffer how many pixels around them (a "
            "square; nodata does not spread). cropland drops what is 0 or nodata in it. The share that was dropped is "
            "logged as cloud_share and kept in MASKS of the metadata; a scene without a clear pixel is refused.\n\n"
            "Grid. The stack takes the grid of reference_grid, or of the finest scene; it has to be metric. What lies "
            "on it pixel by pixel is copied, "
            "all else is warped: bilinear (reflectance: resampling), or averaged where the grid is more than 1.5 times "
            "coarser; masks and classes take the nearest pixel. Heights in feet become metres.\n\n"
            "Terrain. From the elevation model: DEM, SLOPE in degrees (Horn 1981), PROFILE_CURV and PLAN_CURV in 1/m "
            "(Zevenbergen and Thorne 1987; "
            "positive is convex, level ground is 0, plan curvature is kept within 1 per metre), each after a Gaussian "
            "of smooth_dem, and REL_ELEV, the "
            "elevation minus the mean of a square of 2 x rel_elev_radius around it; tpi_radii gives the same for other radii. "
            "terrain_method also offers Zevenbergen and Thorne, Evans 1980 in windows of any size (Wood 1996) and Florinsky 2009. TWI, the "
            "topographic wetness index ln(a / tan slope) of Beven and Kirkby 1979, is taken from the smoothed elevation with "
            "depressions filled by a priority flood (Wang and Liu 2006, Barnes et al. 2014) and water shared between all lower neighbours (Freeman 1991); "
            "slopes below 1e-4 count as 1e-4, and water from outside the grid does not count. Tile by tile, it keeps max_memory.\n\n"
            "Indices. Spectral indices are computed from the bands wherever a model asks for them and need no room in "
            "the file; indices writes some or all "
            "as bands to look at. Negative reflectance counts as 0, and a division by zero or a negative radicand "
            "gives nodata.\n\n"
            "Phenology. series takes any number of dated rasters and gives SOS (start of season: 20 % of the rise), GUS (green-up speed "
            "from 20 to 80 % of it, index a day), SDPS (start of the peak stage: 90 %), PHENO_QUALITY (0 good, "
            "1 to 4 why a pixel has no season, 5 a season beside a gap of more than max_gap days, which may hide another), and on demand the peak, "
            "the end, the length and amplitude, the observations used, the error of the curve and the longest gap. Thresholds are shares of the "
            "amplitude between the base and the peak of the curve; where the curve follows noise, each of the two levels comes towards the mean of "
            "its stage by at most the error of the curve there. Dates come from "
            "metadata, band descriptions or file names; files of one day are averaged where they overlap. Products bring scale, offset and mask of their own; files "
            "with a band each are joined by day and tile (T31UFS). Bands SCL, QA_PIXEL and Fmask in a file, or files of such a band of the same day "
            "and tile, mask clouds, shadows and snow. The curve is Whittaker's (Eilers 2003) with lambda by the V-curve (Frasso and Eilers "
            "2015) and an upper envelope (Atzberger and Eilers 2011), the Savitzky-Golay of Chen et al. (2004), or the double logistic of "
            "Beck et al. (2006). Days count from 1 January of series_year and are below 1 where the season began before. The series is "
            "read block by block and may be as long as an archive; of it the year and half a year on either side are used.\n\n"
            "Climate. climate takes monthly rasters (TerraClimate NetCDF, GeoTIFF with dated bands) and gives a covariate for each "
            "variable and word of climate_statistics: PPT_YEAR in mm/year, TMAX_YEAR in degC, PPT_M07, TMIN_RANGE ... A calendar month is the "
            "mean of its years in climate_period, a year is made of the twelve; both are taken in the climate's own cells and interpolated "
            "bilinearly between their centres, where cells over the sea do not count. Units are those of the files, else the usual ones of the "
            "name. climate_points and climate_table give the series themselves, a row for each point and month, from rasters by position or "
            "from a table by climate_id: that is what networks with a climate branch take.\n\n"
            "Ready-made covariates. extra takes any raster by id: SOS=sos.tif, LC=landcover.tif, or a file whose band "
            "descriptions are the ids.\n\n"
            "A stack of reflectance alone is stored as 16-bit integers x 0.0001, any other as 32-bit floating point. "
            "Pixels without value are nodata.",
    .tags = "stack,covariates,indices,NDVI,phenology,start of season,time series,climate,TerraClimate,precipitation,temperature,salinity index,terrain,slope,curvature,DEM,Sentinel-2,Landsat,resample,grid",
    .params = params,
    .results = results,
    .run = sal__covariates_run
};
