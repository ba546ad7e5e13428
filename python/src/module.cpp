// The extension module lookalike._core: what the pure-Python package is made of. Errors and threads live
// here.

#include <exception>
#include <string>

#include <pybind11/pybind11.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/instruction_set.hpp>

#include "bindings.hpp"

namespace lookalike::python {

namespace py = pybind11;

namespace {

/// The exception classes of lookalike/errors.py, for as long as the process lives.
struct error_classes {
  py::object error, input_error, file_error, interrupted;
};

const error_classes& python_errors() {
  static const auto* const classes = [] {
    const py::module_ errors = py::module_::import("lookalike.errors");
    return new error_classes{errors.attr("Error"), errors.attr("InputError"), errors.attr("FileError"),
                             errors.attr("Interrupted")};
  }();
  return *classes;
}

void translate(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const value_error& failure) {
    py::set_error(python_errors().input_error, failure.what());
  } catch (const file_error& failure) {
    py::set_error(python_errors().file_error, failure.what());
  } catch (const interrupted& failure) {
    py::set_error(python_errors().interrupted, failure.what());
  } catch (const error& failure) {
    py::set_error(python_errors().error, failure.what());
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() =
      "What the package lookalike is made of. Use the package: it has the names and the documentation.";
  python_errors();
  py::register_local_exception_translator(translate);

  module.attr("instruction_set") = std::string(simd::instruction_set);
  module.def("threads", &threads, "Threads that the next parallel loop uses.");
  module.def(
      "requested_threads", [] { return detail::requested_threads.load(); },
      "What set_threads was given last; 0: the default.");
  module.def("set_threads", &set_threads, py::arg("count"));

  bind_pictures(module);
  bind_collection(module);
  bind_column_index(module);
  bind_image_files(module);
  bind_approximate_index(module);
  bind_nearest(module);
  bind_principal_components(module);
  bind_stages(module);
  bind_colorization(module);
  bind_architectures(module);
  bind_networks(module);
  bind_descriptors(module);
  bind_losses(module);
  bind_gradient_check(module);
  bind_optimizers(module);
  bind_tiny_images(module);
}

}  // namespace lookalike::python
