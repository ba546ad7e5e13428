#pragma once

// The parts of the extension module, one translation unit each.

#include <pybind11/pybind11.h>

namespace lookalike::python {

void bind_pictures(pybind11::module_& module);
void bind_collection(pybind11::module_& module);
void bind_column_index(pybind11::module_& module);
void bind_image_files(pybind11::module_& module);
void bind_approximate_index(pybind11::module_& module);
void bind_nearest(pybind11::module_& module);
void bind_principal_components(pybind11::module_& module);
void bind_colorization(pybind11::module_& module);
void bind_stages(pybind11::module_& module);
void bind_recipe(pybind11::module_& module);
void bind_architectures(pybind11::module_& module);
void bind_networks(pybind11::module_& module);
void bind_descriptors(pybind11::module_& module);
void bind_losses(pybind11::module_& module);
void bind_gradient_check(pybind11::module_& module);
void bind_optimizers(pybind11::module_& module);
void bind_tiny_images(pybind11::module_& module);

}  // namespace lookalike::python
