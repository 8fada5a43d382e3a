#!/usr/bin/env bash
# run_demo.sh - the whole main job on a made delta: covariate stacks, training, maps, and their skill against the known truth.
#   SALINA_DEMO_FOLDER  where to work (default build/demo); SALINA_DEMO_SEED  which delta (default 1);
#   SALINA_DEMO_SEEDS   networks in the ensemble (default 1); SALINA_DEMO_TRAINING_SEED  first seed of the training (default 1)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
salina=${SALINA_PROGRAM:-$here/build/release/bin/salina}
seed=${SALINA_DEMO_SEED:-1}
folder=${SALINA_DEMO_FOLDER:-$here/build/demo}/delta$seed
members=${SALINA_DEMO_SEEDS:-1}
first=${SALINA_DEMO_TRAINING_SEED:-1}
systems=${SALINA_DEMO_SYSTEMS:-ss_soilnet ss_stack spec_index}
unset OPENBLAS_CORETYPE
begun=$SECONDS
step() { printf '%4d s  %s\n' $((SECONDS - begun)) "$*"; }

mkdir -p "$(dirname "$folder")"
if [ ! -f "$folder/truth/samples_drivers.csv" ]; then
    step "making a delta of 2,000 x 2,000 pixels and six campaigns"
    "$salina" demo --output "$folder" --seed "$seed" >/dev/null 2>"$folder.log" || { cat "$folder.log" >&2; exit 1; }
fi
mkdir -p "$folder/stacks" "$folder/maps"
stacks=()
for scene in "$folder"/scene_*.tif; do
    day=$(basename "$scene" .tif); day=${day#scene_}
    campaign=${day%-*}
    stack=$folder/stacks/$campaign.tif
    if [ ! -f "$stack" ]; then
        step "stack of campaign $campaign"
        "$salina" covariates --scene "$scene" --dem "$folder/dem.tif" --extra "$folder/phenology_$campaign.tif" --output "$stack" >/dev/null 2>>"$folder.log"
    fi
    stacks+=(--stacks "$stack")
done
for system in $systems; do
    step "training $system: five folds and the final model, $members network(s) each"
    "$salina" train "${stacks[@]}" --samples "$folder/samples.gpkg" --target salinity --unit g/kg --depth "0-20 cm" --date_field date \
        --system "$system" --seeds "$members" --seed "$first" --output "$folder/$system.safetensors" --report "$folder/$system.html" \
        --predictions "$folder/$system.gpkg" --json >"$folder/$system.json" 2>>"$folder.log"
    step "mapping six campaigns with $system"
    for stack in "$folder"/stacks/*.tif; do
        campaign=$(basename "$stack" .tif)
        "$salina" retrieve --stack "$stack" --model "$folder/$system.safetensors" --output "$folder/maps/${system}_$campaign.tif" --json \
            >"$folder/maps/${system}_$campaign.json" 2>>"$folder.log"
    done
done
step "measuring skill"
/usr/bin/python3 "$here/tests/demo/skill.py" "$folder" $systems
step "done; maps in $folder/maps, reports in $folder"
