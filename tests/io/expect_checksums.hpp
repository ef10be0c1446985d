#pragma once

#include <string>

#include <fitsio.h>
#include <gtest/gtest.h>

namespace tessera::test {

/// Every HDU has the checksums that CFITSIO counts itself. @return  the number of HDUs
inline int expect_checksums(const std::string& path) {
    int status = 0, n = 0, type = 0;
    fitsfile* file = nullptr;
    fits_open_diskfile(&file, path.c_str(), READONLY, &status);
    fits_get_num_hdus(file, &n, &status);
    for (int hdu = 1; hdu <= n; ++hdu) {
        int data_ok = 0, all_ok = 0;
        fits_movabs_hdu(file, hdu, &type, &status);
        fits_verify_chksum(file, &data_ok, &all_ok, &status);
        EXPECT_EQ(data_ok, 1) << hdu; // 1: present and right
        EXPECT_EQ(all_ok, 1) << hdu;
    }
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0);
    return n;
}

} // namespace tessera::test
